"""Writes activations.json: what transformers' ACT2FN makes of some numbers, by the names that config.json may have.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 activations.py
"""
import json
import os

import torch
from transformers.activations import ACT2FN

names = ["gelu", "gelu_python", "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate"]
names += ["relu", "silu", "swish", "mish", "relu6", "tanh", "sigmoid", "quick_gelu"]
x = torch.tensor([-8, -3, -1.25, -0.5, -1e-3, 0, 1e-3, 0.5, 1.25, 3, 8], dtype=torch.float64)
values = {name: ACT2FN[name](x).tolist() for name in names}
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "activations.json"), "w") as f:
    json.dump({"x": x.tolist(), "values": values}, f)
    f.write("\n")
