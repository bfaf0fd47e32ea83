"""Writes kd.json, the golden values of the KD loss, from a safetensors file of float64 PyTorch results.

usage: python3 kd.py losses.safetensors > kd.json

Tensors kd.N.*: params = [T, alpha], student, teacher, labels, and PyTorch's kl_t2 = T^2 * KL(teacher || student, batchmean),
ce, total = alpha * kl_t2 + (1 - alpha) * ce and grad = d total / d student.
"""
import json
import struct
import sys

with open(sys.argv[1], "rb") as f:
    data = f.read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8 : 8 + size])
code = {"F64": "d", "I64": "q"}
cases = {}
for name, t in sorted(header.items()):
    if not name.startswith("kd."):
        continue
    _, n, field = name.split(".")
    start, end = t["data_offsets"]
    raw = data[8 + size + start : 8 + size + end]
    values = struct.unpack(f"<{len(raw) // 8}{code[t['dtype']]}", raw)
    cases.setdefault(n, {})[field] = {"shape": t["shape"], "values": values}
json.dump(list(cases.values()), sys.stdout)
