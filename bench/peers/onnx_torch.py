"""Of npm run check:onnx: exported graphs beside torch.onnx.export's of the same folder, in one run of onnxruntime on one
thread, in turn. usage: onnx_torch.py FOLDER OUT NAME=GRAPH..."""
import os
import sys
import time
import warnings

import numpy as np
import onnxruntime as ort
import torch
from transformers import AutoModelForSequenceClassification

warnings.filterwarnings("ignore")
folder, out, graphs = sys.argv[1], sys.argv[2], [g.split("=", 1) for g in sys.argv[3:]]
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
ids = torch.ones(2, 8, dtype=torch.long)
# Tensors of their own: one given twice becomes one input of the graph.
inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
if model.config.model_type == "bert":
    inputs["token_type_ids"] = 0 * ids
dims = {0: "batch_size", 1: "sequence_length"}
for way in ("dynamo", "script"):
    path = f"{out}/{way}.onnx"
    common = dict(kwargs=inputs, input_names=list(inputs), output_names=["logits"])
    if way == "dynamo":
        B, S = torch.export.Dim("batch_size"), torch.export.Dim("sequence_length")
        shapes = {key: {0: B, 1: S} for key in inputs}
        torch.onnx.export(model, (), path, dynamo=True, opset_version=20, dynamic_shapes=shapes, external_data=False, verbose=False, **common)
    else:
        torch.onnx.export(model, (), path, dynamo=False, opset_version=17, dynamic_axes={key: dims for key in inputs}, **common)
    graphs.append([f"torch {torch.__version__.split('+')[0]}, {way}", path])

options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
sessions = {name: ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for name, path in graphs}
print(f"onnxruntime {ort.__version__}, one thread, all optimizations, medians of 9 rounds in turn; ratio to the float graph of ours")
longest = model.config.max_position_embeddings
for B, T, runs in ((16, min(64, longest), 3), (1, min(16, longest), 40)):
    rng = np.random.default_rng(1)
    ids = rng.integers(1, model.config.vocab_size, (B, T)).astype(np.int64)
    all_inputs = dict(input_ids=ids, attention_mask=np.ones_like(ids), token_type_ids=np.zeros_like(ids))
    times = {name: [] for name in sessions}
    for round_ in range(10):
        for name, session in sessions.items():
            feed = {i.name: all_inputs[i.name] for i in session.get_inputs()}
            start = time.perf_counter()
            for _ in range(runs):
                session.run(None, feed)
            if round_ > 0:
                times[name].append((time.perf_counter() - start) / runs * 1e3)
    medians = {name: float(np.median(t)) for name, t in times.items()}
    first = next(iter(medians.values()))
    print(f"{B} x {T}: " + ", ".join(f"{name} {ms:.2f} ms ({ms / first:.2f})" for name, ms in medians.items()))
