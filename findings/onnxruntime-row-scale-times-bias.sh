#!/usr/bin/env bash
# onnxruntime multiplies the bias by the row's scale, where a product of whole numbers has a scale for each row. What ONNX's own
# operations give for inputs quantized by rows, Add(Mul(Cast(MatMulInteger(a, b)), Mul(row_scales, column_scales)), bias), becomes
# one MatMulIntegerToFloat; where the scale of a is not one number, that kernel adds the bias first and scales afterwards. So y =
# s (sum + bias) in the place of s sum + bias: no error, no warning, and the same file is right without optimization. A condition
# that scales be one number each was in the fusion once and was taken out again
# (https://github.com/microsoft/onnxruntime/pull/6008, https://github.com/microsoft/onnxruntime/pull/6169). Two Mul one after the
# other, by the columns' scales and then by the rows', are not fused, and are right: tinystill export writes them so.
# Seen with onnx 1.23.2 and onnxruntime 1.32.0, Python 3.11. Downloads them into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >see.py <<'PY'
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
b = rng.integers(-64, 65, (32, 8)).astype(np.int8)
columns = rng.uniform(0.01, 0.02, 8).astype(np.float32)
bias = np.full(8, 100, np.float32)
a = rng.integers(0, 256, (3, 32)).astype(np.uint8)
rows = np.array([[1], [2], [3]], np.float32)
product = (a.astype(np.int32) - 128) @ b.astype(np.int32) * (rows * columns)
zero = np.array(128, np.uint8)
node, value = helper.make_node, helper.make_tensor_value_info


def run(together, level):
    scale = (
        [node("Mul", ["rows", "columns"], ["both"]), node("Mul", ["float", "both"], ["scaled"])]
        if together
        else [node("Mul", ["float", "columns"], ["half"]), node("Mul", ["half", "rows"], ["scaled"])]
    )
    graph = helper.make_graph(
        [
            node("MatMulInteger", ["a", "b", "zero"], ["sum"]),
            node("Cast", ["sum"], ["float"], to=TensorProto.FLOAT),
            *scale,
            node("Add", ["scaled", "bias"], ["y"]),
        ],
        "one",
        [value("a", TensorProto.UINT8, ["n", 32]), value("rows", TensorProto.FLOAT, ["n", 1])],
        [value("y", TensorProto.FLOAT, ["n", 8])],
        [numpy_helper.from_array(x, name) for name, x in dict(b=b, columns=columns, bias=bias, zero=zero).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"a": a, "rows": rows})[0]


print("onnx", onnx.__version__, "onnxruntime", ort.__version__)
ALL, NONE = ort.GraphOptimizationLevel.ORT_ENABLE_ALL, ort.GraphOptimizationLevel.ORT_DISABLE_ALL
found = {}
for name, together, level in (("one Mul, not optimized", True, NONE), ("one Mul, optimized", True, ALL), ("two Mul, optimized", False, ALL)):
    added = (run(together, level) - product)[:, 0]
    found[name] = added
    print(f"{name}: added to the product, row by row, where the bias is 100: {added.round(2).tolist()}")
assert np.allclose(found["one Mul, not optimized"], 100, atol=0.01)
assert np.allclose(found["two Mul, optimized"], 100, atol=0.01)
assert np.allclose(found["one Mul, optimized"], [100, 200, 300], atol=0.01)
print("as described")
PY
env/bin/python see.py
