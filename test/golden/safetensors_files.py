"""Writes safetensors.json: files as the official library writes them, and what they hold.

usage: pip install safetensors==0.8.0 numpy ml_dtypes; python3 safetensors_files.py > safetensors.json

files: {title, file, metadata, tensors: [[name, dtype, shape, data]], rewrites}; `file` and `data` (widened as readers should, little-endian)
are base64; rewrites tells whether writing what was read gives the same file. halves: float32 in, NumPy's float16 out.
At most one metadata key a file: the official library writes several in random order.
"""
import base64
import json
import sys

import ml_dtypes
import numpy as np
from safetensors.numpy import save

rng = np.random.default_rng(7)
WIDER = {"F32": "<f4", "F16": "<f4", "BF16": "<f4", "F64": "<f8", "I64": "<i4", "I32": "<i4", "U8": "<i4", "BOOL": "<i4"}
NAMES = {"<f4": "float32", "<f8": "float64", "<i4": "int32"}
CODES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int64": "I64", "int32": "I32", "uint8": "U8", "bool": "BOOL"}


def b64(data):
    return base64.b64encode(data).decode()


def case(title, tensors, metadata=None, rewrites=True):
    file = save(tensors, metadata)
    held = []
    for name, v in tensors.items():
        wide = WIDER[CODES[str(v.dtype)]]
        held.append([name, NAMES[wide], v.shape, b64(v.astype(wide).tobytes())])
    return {"title": title, "file": b64(file), "metadata": metadata or {}, "tensors": held, "rewrites": rewrites}


f4 = lambda *shape: rng.standard_normal(shape).astype(np.float32)
special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3.4028235e38, 1.1754944e-38], np.float32)
files = [
    case("no tensors", {}),
    case("one matrix", {"weight": f4(3, 4)}, {"format": "pt"}),
    case("special float32", {"x": special}),
    case("scalars and empty tensors", {"s": f4(), "e": f4(0, 3), "z": np.zeros((2, 0), np.int32), "i": np.array(-5, np.int32)}),
    case("the order of dtypes and names", {"a": np.arange(3, dtype=np.int32), "b": f4(2), "c": rng.standard_normal(2), "B": f4(1), "aa": f4(1), "10": f4(1), "9": f4(1), "A": rng.standard_normal(1)}),
    case("awkward names", {k: f4(1) for k in ["__proto__", "constructor", "", " ", 'q"\\/\b\f\n\r\t\x01\x1f\x7f', "\u00e9\u2028\u2029", "\uffff", "\U0001f600", "\ud7ff", "\ue000"]}, {"__proto__": "\U0001f600\u0000"}),
    case("names of a model", {f"bert.encoder.layer.{i}.output.dense.{p}": f4(2) for i in (0, 1, 2, 10, 11) for p in ("weight", "bias")}, {"format": "pt"}),
    case("float16", {"h": np.concatenate([rng.standard_normal(20), [6e-8, -6e-8, 6.1e-5, 65504, np.inf, -np.inf, np.nan]]).astype(np.float16)}, rewrites=False),
    case("bfloat16", {"b": np.concatenate([rng.standard_normal(20), [1e-40, 3e38, np.inf, -np.inf, np.nan]]).astype(ml_dtypes.bfloat16)}, rewrites=False),
    case("whole numbers", {"i64": np.array([0, -1, 2**31 - 1, -(2**31)], np.int64), "u8": np.array([[0, 255]], np.uint8), "bool": np.array([True, False, True])}, rewrites=False),
    case("widths that leave the data unaligned", {"u8": np.arange(3, dtype=np.uint8), "f32": f4(3), "h": np.ones(3, np.float16)}, rewrites=False),
]
# Around every rounding border of float16: ties, one unit of float32 beside them, subnormals, the largest, and noise.
h = np.concatenate([np.arange(0, 1100, 7), np.arange(0x3C00, 0x3C10), np.arange(0x7BF0, 0x7C00)]).astype(np.uint16)
low = h.view(np.float16).astype(np.float64)
ties = ((low + np.append((h + 1).astype(np.uint16).view(np.float16).astype(np.float64)[:-1], 65536.0)) / 2).astype(np.float32)
around = np.concatenate([ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1e9)), rng.standard_normal(100), [1e9, np.inf, 1e-45, 2.0**-25, 2.0**-14]]).astype(np.float32)
values = np.concatenate([around, -around]).astype("<f4")
with np.errstate(over="ignore"):
    halves = {"from": b64(values.tobytes()), "to": b64(values.astype("<f2").tobytes())}
json.dump({"files": files, "halves": halves}, sys.stdout, indent=1)
