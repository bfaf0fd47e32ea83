#!/usr/bin/env bash
# An answer of a model that onnxruntime quantized dynamically to int8 depends on what else is in its batch: DynamicQuantizeLinear
# takes one range of the whole input, not one a row. A row alone and the same row beside one that is fifty times as large come out
# unlike, here by 0.78 of the largest output; the float model gives the same numbers. So a text's logits, and at a
# border its class, change with the batch in which a server happened to put it, and padding counts too.
# Seen with onnx 1.19.1 and onnxruntime 1.23.2, Python 3.11. Downloads them into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnx==1.19.1 onnxruntime==1.23.2 numpy==2.3.5
cat >see.py <<'PY'
import logging
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

logging.disable(logging.WARNING)
rng = np.random.default_rng(1)
w = rng.standard_normal((64, 8)).astype(np.float32)
floats = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])], "one",
    [floats("x", ["rows", 64])], [floats("y", ["rows", 8])], [numpy_helper.from_array(w, "w")],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), "float.onnx")
quantize_dynamic("float.onnx", "int8.onnx", per_channel=True)
row = rng.standard_normal((1, 64)).astype(np.float32)
other = 50 * rng.standard_normal((1, 64)).astype(np.float32)
print("onnx", onnx.__version__, "onnxruntime", ort.__version__)
change = {}
for name in ("float", "int8"):
    session = ort.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"])
    alone, beside = (session.run(None, {"x": x})[0][0] for x in (row, np.concatenate([row, other])))
    change[name] = float(np.abs(alone - beside).max() / np.abs(alone).max())
    print(f"{name}: the same row, alone and beside a larger one, differs by {change[name]:.2g} of its largest output")
assert change["float"] < 1e-5, change
assert change["int8"] > 0.1, change
print("as described")
PY
env/bin/python see.py
