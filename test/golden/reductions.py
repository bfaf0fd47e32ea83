"""Writes reductions.json: reductions and their gradients, from PyTorch in float64.

usage: pip install torch==2.15.0; python3 reductions.py > reductions.json

cases: {op, args, shape, x, y, grad, second}; grad is that of sum(y w), w = cos(0), cos(1), ... in y's order; second that of
sum(grad v), v = sin(1), sin(2), ... (null where there is none). places: {op, args, shape, x, y}, without gradients.
"""
import json
import math
import sys

import torch

torch.manual_seed(5)
F = torch.float64
inf = math.inf


def flat(t):
    return ["NaN" if math.isnan(v) else "Infinity" if v == inf else "-Infinity" if v == -inf else v
            for v in t.detach().reshape(-1).to(F).tolist()]


def case(op, args, x, call, second=True):
    x = x.to(F).clone().requires_grad_()
    y = call(x)
    w = torch.cos(torch.arange(y.numel(), dtype=F)).reshape(y.shape)
    (g,) = torch.autograd.grad((y * w).sum(), x, create_graph=True, allow_unused=True)
    if g is None:  # the 0-norm
        g = torch.zeros_like(x, requires_grad=False)
    h = None
    if second and g.requires_grad:
        v = torch.sin(torch.arange(1, x.numel() + 1, dtype=F)).reshape(x.shape)
        (h,) = torch.autograd.grad((g * v).sum(), x, allow_unused=True)
    return {"op": op, "args": args, "shape": list(x.shape), "x": flat(x), "y": flat(y), "grad": flat(g),
            "second": None if h is None else flat(torch.zeros_like(x) + h)}


cases = []
plain = torch.randn(3, 4, dtype=F)
cube = torch.randn(2, 3, 4, dtype=F)
zeros = torch.tensor([[1.5, 0, 2, -3], [0, 0, 2, 1], [2, -1, 0.5, 3]], dtype=F)
still = torch.tensor([[0.0, 0, 0], [3, 0, -4]], dtype=F)
ties = torch.tensor([[2.0, 2, 1], [-3, 3, 3]], dtype=F)

for p in [1, 2, 3, 1.5, 0.5, 0, inf, -inf]:
    name = "Infinity" if p == inf else "-Infinity" if p == -inf else p
    for x in [plain, ties]:
        cases.append(case("norm", {"p": name, "dim": 1, "keepdim": False}, x,
                          lambda x: torch.linalg.vector_norm(x, p, 1)))
    cases.append(case("norm", {"p": name, "dim": [0, 2], "keepdim": True}, cube,
                      lambda x: torch.linalg.vector_norm(x, p, (0, 2), keepdim=True)))
    # PyTorch's own gradients at 0 where it says 0; its second ones are NaN there.
    cases.append(case("norm", {"p": name, "dim": 1, "keepdim": False}, still,
                      lambda x: torch.linalg.vector_norm(x, p, 1), second=False))
for correction in [0, 1, 2]:
    for dim, x in [(1, plain), ([0, 2], cube), (None, plain)]:
        args = {"dim": dim, "correction": correction, "keepdim": False}
        cases.append(case("std", args, x, lambda x: torch.std(x, dim, correction=correction)))
        cases.append(case("var", args, x, lambda x: torch.var(x, dim, correction=correction)))
cases.append(case("std", {"dim": 1, "correction": 1, "keepdim": False}, torch.full((2, 3), 0.7),
                  lambda x: torch.std(x, 1), second=False))
for x in [plain, zeros]:
    cases.append(case("prod", {"dim": 1, "keepdim": False}, x, lambda x: torch.prod(x, 1)))
    cases.append(case("prod", {"dim": None, "keepdim": False}, x, lambda x: torch.prod(x)))
    for dim in [0, 1]:
        cases.append(case("cumprod", {"dim": dim}, x, lambda x: torch.cumprod(x, dim)))
        cases.append(case("cumsum", {"dim": dim}, x, lambda x: torch.cumsum(x, dim), second=False))
for op, f in [("max", torch.max), ("min", torch.min), ("median", torch.median)]:
    for x in [plain, torch.randn(4, 5, dtype=F)]:
        cases.append(case(op + "WithIndices", {"dim": 1, "keepdim": False}, x, lambda x: f(x, 1).values, second=False))
        cases.append(case(op + "WithIndices", {"dim": 0, "keepdim": True}, x,
                          lambda x: f(x, 0, keepdim=True).values, second=False))
cases.append(case("median", {"dim": None}, torch.randn(3, 4, dtype=F), torch.median, second=False))
cases.append(case("median", {"dim": None}, torch.tensor([4.0, 1, 1, 1]), torch.median, second=False))
for op, f in [("amax", torch.amax), ("amin", torch.amin)]:
    cases.append(case(op, {"dim": 1, "keepdim": False}, ties, lambda x: f(x, 1), second=False))

places = []
some = torch.tensor([[0.0, -0.0, 0, 0], [0, math.nan, 2, -inf], [inf, -1, 5, 2]], dtype=F)
for op, f in [("argmin", torch.argmin), ("argmax", torch.argmax), ("any", torch.any), ("all", torch.all),
              ("countNonzero", torch.count_nonzero)]:
    for x in [some, plain]:
        for dim in [0, 1, None]:
            y = f(x) if dim is None else f(x, dim)
            places.append({"op": op, "args": {"dim": dim}, "shape": list(x.shape), "x": flat(x), "y": flat(y)})

json.dump({"torch": torch.__version__, "cases": cases, "places": places}, sys.stdout)
print()
