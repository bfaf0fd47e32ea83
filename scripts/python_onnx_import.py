"""Of npm run check:python: usage python_onnx_import.py FOLDER. FOLDER/model is a classifier; writes FOLDER/<way>/model.onnx as
torch.onnx.export writes it with its defaults, which for dynamo=True keep the weights in a file beside."""
import os
import sys
import warnings

import torch
from transformers import AutoModelForSequenceClassification

warnings.filterwarnings("ignore")
root = sys.argv[1]
model = AutoModelForSequenceClassification.from_pretrained(os.path.join(root, "model")).eval()
ids = torch.ones(2, 8, dtype=torch.long)
# Tensors of their own: one given twice becomes one input of the graph.
inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
if model.config.model_type == "bert":
    inputs["token_type_ids"] = 0 * ids
dims = {0: "batch_size", 1: "sequence_length"}
common = dict(kwargs=inputs, input_names=list(inputs), output_names=["logits"])
ways = {"dynamo": dict(dynamo=True), "script-14": dict(dynamo=False, opset_version=14), "script-18": dict(dynamo=False, opset_version=18)}
for way, options in ways.items():
    folder = os.path.join(root, way)
    os.makedirs(folder)
    if way == "dynamo":
        sizes = {0: torch.export.Dim("batch_size"), 1: torch.export.Dim("sequence_length")}
        shapes = dict(dynamic_shapes={key: sizes for key in inputs})
    else:
        shapes = dict(dynamic_axes={key: dims for key in inputs})
    torch.onnx.export(model, (), os.path.join(folder, "model.onnx"), **options, **shapes, **common)
