#!/usr/bin/env bash
# PyTorch's gradient of hardsigmoid in float64 is 1/6 rounded to float32: 0.1666666716337204, off by 5e-9, while its value is
# exact in float64 and the same function spelled relu6(x + 3) / 6 has the exact gradient. A gradient check of a peer against
# torch to 1e-8 still passes and one to 1e-9 fails, by no fault of the peer. torch.autograd.gradcheck (atol 1e-5) is silent.
# Seen with torch 2.15.0 on Linux x64, CPU. Downloads torch (some GB) into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 numpy
"$folder/venv/bin/python" - <<'PY'
import torch
from torch.nn import functional as F

print("torch", torch.__version__)
x = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
y = F.hardsigmoid(x)
y.sum().backward()
own = x.grad.item()

x2 = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
y2 = F.relu6(x2 + 3) / 6
y2.sum().backward()
spelled = x2.grad.item()

print("value            ", y.item(), "spelled", y2.item())
print("gradient         ", repr(own), "off by", own - 1 / 6)
print("gradient, spelled", repr(spelled), "off by", spelled - 1 / 6)
assert y.item() == y2.item() == 3.5 / 6
assert spelled == 1 / 6
assert own == torch.tensor(1 / 6, dtype=torch.float32).double().item() != 1 / 6
print("gradcheck at its defaults:", torch.autograd.gradcheck(F.hardsigmoid, (torch.tensor([0.5], dtype=torch.float64, requires_grad=True),)))
print("as described: the float64 gradient is a float32 constant")
PY
