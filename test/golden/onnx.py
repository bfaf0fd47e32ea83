"""Writes onnx/<case>-<way>.onnx: models of family/ as torch.onnx.export writes them, by both of its ways.

usage: pip install torch==2.15.0 transformers==5.24.0 onnx==1.23.2 onnxscript==0.7.2; python3 onnx.py

Each file's output on the inputs of family/<case>/golden.safetensors is that file's out.logits. The dynamo way notes the Python
lines of each node; that is taken out, which is three quarters of the file.
"""
import os
import shutil
import sys
import warnings

# This file's own name must not stand for the library's.
here = os.path.dirname(os.path.abspath(__file__))
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != here]

import onnx
import torch
import transformers as tr
from safetensors.torch import load_file

warnings.filterwarnings("ignore")
out = os.path.join(here, "onnx")
shutil.rmtree(out, ignore_errors=True)
os.makedirs(out)

classes = {
    "bert-classify": tr.BertForSequenceClassification,
    "bert-regression": tr.BertForSequenceClassification,
    "bert-mlm": tr.BertForMaskedLM,
    "distilbert-classify": tr.DistilBertForSequenceClassification,
}
for name, cls in classes.items():
    model = cls.from_pretrained(f"{here}/family/{name}").eval()
    golden = load_file(f"{here}/family/{name}/golden.safetensors")
    inputs = {
        key: golden[f"in.{key}"].long()
        for key in ("input_ids", "attention_mask", "token_type_ids")
        if f"in.{key}" in golden
    }
    dims = {0: "batch_size", 1: "sequence_length"}
    for way in ("dynamo", "script"):
        path = f"{out}/{name}-{way}.onnx"
        common = dict(kwargs=inputs, input_names=list(inputs), output_names=["logits"])
        if way == "dynamo":
            shapes = {key: {0: torch.export.Dim("batch_size"), 1: torch.export.Dim("sequence_length")} for key in inputs}
            torch.onnx.export(model, (), path, dynamo=True, opset_version=20, dynamic_shapes=shapes, external_data=False, verbose=False, **common)
        else:
            axes = {key: dims for key in inputs} | {"logits": {0: "batch_size"} if cls.__name__.endswith("SequenceClassification") else dims}
            torch.onnx.export(model, (), path, dynamo=False, opset_version=17, dynamic_axes=axes, **common)
        proto = onnx.load(path)
        for node in proto.graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
            del value.metadata_props[:]
        onnx.save(proto, path)
