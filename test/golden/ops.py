"""Writes ops.json: small inputs of every op of breadth, what PyTorch makes of them in float64, and the gradients.

usage: pip install torch==2.15.0; python3 ops.py

A case: op, in (a list of tensors), args (as the TypeScript side spells them), out (a list), grad (of sum(w * out[0]) for
each float input, w = 0.1, 0.2, ...; null where PyTorch has none). A tensor is {shape, data, dtype?: 'int32'}; NaN and
infinities are strings.
"""
import json
import math
import os

import torch
import torch.nn.functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
cases = []


def num(x):
    return x if math.isfinite(x) else ("NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity")


def pack(t):
    t = t.detach()
    whole = not t.is_floating_point() and t.dtype != torch.bool
    out = {"shape": list(t.shape), "data": [num(v) for v in t.double().flatten().tolist()] if not whole else t.flatten().tolist()}
    return {**out, "dtype": "int32"} if whole else out


def case(op, inputs, f, *args):
    """args: those of the method after the tensor, where '$1' is input 1."""
    xs = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    outs = f(*xs)
    outs = list(outs) if isinstance(outs, (tuple, list)) else [outs]
    y = outs[0]
    grads = [None] * len(xs)
    if y.requires_grad and y.is_floating_point():
        w = 0.1 * torch.arange(1, y.numel() + 1).reshape(y.shape)
        wrt = [i for i, x in enumerate(xs) if x.is_floating_point()]
        gs = torch.autograd.grad((w * y).sum(), [xs[i] for i in wrt], allow_unused=True)
        for i, g in zip(wrt, gs):
            grads[i] = None if g is None else pack(g)
    cases.append({"op": op, "in": [pack(x) for x in xs], "args": list(args), "out": [pack(o) for o in outs], "grad": grads})


r32 = lambda t: t.float().double()
x = r32(torch.randn(2, 3) * 2)
pos = r32(torch.rand(2, 3) * 3 + 0.1)
unit = r32(torch.rand(2, 3) * 1.8 - 0.9)
wide = r32(torch.tensor([-1e6, -700.25, -30.5, -2.5, -1.5, -0.5, -1e-8, 0.0, 1e-8, 0.5, 1.5, 2.5, 3.0, 30.5, 700.25, 1e6]))
odd = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0])
inf = torch.tensor([math.nan, math.inf, -math.inf])

for name in ["floor", "ceil", "round", "trunc", "frac", "square", "sin", "cos", "tan", "atan", "asinh", "sign"]:
    f = getattr(torch, name)
    case(name, [x], f)
    case(name, [wide], f)
    # Ours keeps the sign of NaN a NaN, where PyTorch has 0.
    if name not in ("frac", "sign"):
        case(name, [odd], f)
for name in ["sinh", "cosh", "expm1", "exp2"]:
    case(name, [x], getattr(torch, name))
    case(name, [odd], getattr(torch, name))
for name in ["log1p", "log2", "log10", "reciprocal", "rsqrt"]:
    case(name, [pos], getattr(torch, name))
    case(name, [torch.cat([odd, -pos[0]])], getattr(torch, name))
for name in ["asin", "acos", "atanh"]:
    case(name, [unit], getattr(torch, name))
    case(name, [odd], getattr(torch, name))
case("acosh", [pos + 1], torch.acosh)
a, b = torch.tensor([7.0, -7, 7, -7, 5.5, -5.5, 0.0]), torch.tensor([2.0, 2, -2, -2, 1.5, 1.5, 3.0])
case("remainder", [a, b], torch.remainder, "$1")
case("fmod", [a, b], torch.fmod, "$1")
case("floorDivide", [a, b], lambda p, q: torch.div(p, q, rounding_mode="floor").detach(), "$1")
spread = torch.tensor([7.0, -7, 0, math.inf, -math.inf, 1, -1, math.nan, 1])
over = torch.tensor([0.0, 0, 0, 2, 2, math.inf, math.inf, 1, math.nan])
case("remainder", [spread, over], lambda p, q: torch.remainder(p, q).detach(), "$1")
case("fmod", [spread, over], lambda p, q: torch.fmod(p, q).detach(), "$1")
case("floorDivide", [spread, over], lambda p, q: torch.div(p, q, rounding_mode="floor").detach(), "$1")
case("atan2", [x, x.flip(0)], torch.atan2, "$1")
case("hypot", [x, x.flip(1)], torch.hypot, "$1")
case("lerp", [x, x.flip(0), unit], torch.lerp, "$1", "$2")
ai, bi = torch.tensor([7, -7, 7, -7, 0], dtype=torch.int32), torch.tensor([2, 2, -2, -2, 5], dtype=torch.int32)
for name in ["add", "sub", "mul", "maximum", "minimum", "remainder", "fmod", "eq", "ne", "gt", "ge", "lt", "le"]:
    case(name, [ai, bi], lambda p, q, n=name: getattr(torch, n)(p, q).int(), "$1")
case("floorDivide", [ai, bi], torch.floor_divide, "$1")
case("pow", [ai, bi.abs()], torch.pow, "$1")
for name in ["neg", "abs", "sign", "square"]:
    case(name, [ai], getattr(torch, name))
case("sum", [ai.reshape(5, 1)], lambda p: p.sum(0).int(), 0)
case("max", [ai], lambda p: p.amax(0), 0)
case("min", [ai], lambda p: p.amin(0), 0)
case("argmax", [ai], lambda p: p.argmax(0).int(), 0)
case("clamp", [ai], lambda p: p.clamp(-2, 3), -2, 3)

acts = r32(torch.tensor([-30.0, -6, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 25, 30]))
for name, f, *args in [
    ("silu", F.silu),
    ("elu", F.elu),
    ("elu", lambda t: F.elu(t, 0.5), {"alpha": 0.5}),
    ("celu", lambda t: F.celu(t, 2), {"alpha": 2}),
    ("selu", F.selu),
    ("leakyRelu", lambda t: F.leaky_relu(t, 0.2), {"negativeSlope": 0.2}),
    ("softplus", F.softplus),
    ("softplus", lambda t: F.softplus(t, 2, 4), {"beta": 2, "threshold": 4}),
    ("logSigmoid", F.logsigmoid),
    ("mish", F.mish),
    ("hardtanh", F.hardtanh),
    ("relu6", F.relu6),
    # Spelled out: the gradient of F.hardsigmoid has a sixth rounded to float32, in float64 too.
    ("hardsigmoid", lambda t: F.relu6(t + 3) / 6),
    ("softsign", F.softsign),
]:
    case(name, [acts], f, *args)
    case(name, [x], f, *args)
case("hardswish", [x], F.hardswish)
case("prelu", [x, torch.tensor([0.1, 0.2, 0.3])], F.prelu, "$1")
case("glu", [r32(torch.randn(2, 4))], F.glu)
case("glu", [r32(torch.randn(4, 3))], lambda t: F.glu(t, 0), 0)
for name in ["logical_and", "logical_or", "logical_xor"]:
    camel = "logical" + name[8:].capitalize()
    case(camel, [torch.tensor([0.0, 0, 2, math.nan]), torch.tensor([0.0, 3, 0, 1])], lambda p, q, n=name: getattr(torch, n)(p, q), "$1")
case("logicalNot", [odd], torch.logical_not)
for name in ["isnan", "isfinite", "isinf"]:
    case(name, [odd], getattr(torch, name))

c = r32(torch.randn(2, 3, 4))
one = r32(torch.randn(2, 1, 3, 1))
case("squeeze", [one], lambda t: t.squeeze())
case("squeeze", [one], lambda t: t.squeeze(1), 1)
case("unsqueeze", [c], lambda t: t.unsqueeze(-1), -1)
case("flatten", [c], lambda t: t.flatten(1), 1)
case("unflatten", [c], lambda t: t.unflatten(2, (2, -1)), 2, [2, -1])
case("movedim", [c], lambda t: t.movedim(0, -1), 0, -1)
case("narrow", [c], lambda t: t.narrow(2, 1, 2), 2, 1, 2)
case("select", [c], lambda t: t.select(1, -1), 1, -1)
case("diagonal", [c], lambda t: t.diagonal(1, 1, 2), {"offset": 1, "dim1": 1, "dim2": 2})
case("diagonal", [c], lambda t: t.diagonal(-1, 2, 0), {"offset": -1, "dim1": 2, "dim2": 0})
case("flip", [c], lambda t: t.flip(0, 2), [0, 2])
case("roll", [c], lambda t: t.roll((1, -2), (0, 2)), [1, -2], [0, 2])
case("roll", [c], lambda t: t.roll(5), 5)
case("repeat", [x], lambda t: t.repeat(2, 1, 2), [2, 1, 2])
case("tile", [c], lambda t: t.tile(2, 2), [2, 2])
case("repeatInterleave", [x], lambda t: t.repeat_interleave(torch.tensor([2, 0, 1]), 1), [2, 0, 1], 1)
case("repeatInterleave", [x], lambda t: t.repeat_interleave(2), 2)
case("broadcastTo", [x], lambda t: t.broadcast_to(2, 2, 3), [2, 2, 3])
case("split", [c], lambda t: t.split(3, 2), 3, 2)
case("split", [c], lambda t: t.split([1, 2], 1), [1, 2], 1)
case("chunk", [c], lambda t: t.chunk(3, 2), 3, 2)
case("unbind", [c], lambda t: t.unbind(1), 1)

ids = torch.tensor([[0, 1], [-1, 0]], dtype=torch.int32)
L = lambda t: t.long()
I = lambda *v: torch.tensor(v, dtype=torch.int32)
case("at", [c], lambda t: t[1], 1)
case("at", [c], lambda t: t[-1, 1:3], -1, "1:3")
case("at", [c], lambda t: t[..., ::2], "...", "::2")
case("at", [c], lambda t: t[:, None, 1, -3:-1], ":", None, 1, "-3:-1")
case("at", [c, ids], lambda t, i: t[L(i)], "$1")
case("at", [c, ids], lambda t, i: t[:, L(i)], ":", "$1")
case("at", [c, I(0, 1, 1), I(2, 0, -1)], lambda t, i, j: t[L(i), L(j)], "$1", "$2")
case("at", [c, I(0, 1, 1), I(2, 0, -1)], lambda t, i, j: t[L(i), :, L(j)], "$1", ":", "$2")
case("at", [c, ids, I(1, 2)], lambda t, i, j: t[..., L(i), L(j)], "...", "$1", "$2")
case("at", [c, I(1, 2)], lambda t, j: t[0, :, L(j)], 0, ":", "$1")


def put(t, v, *index, accumulate=False):
    y = t.clone()
    if accumulate:
        return y.index_put(index, v, accumulate=True)
    y[index] = v
    return y


case("indexPut", [c, r32(torch.randn(4))], lambda t, v: put(t, v, 1, slice(1, 3)), [1, "1:3"], "$1")
case("indexPut", [c, r32(torch.randn(2, 3))], lambda t, v: put(t, v, Ellipsis, 2), ["...", 2], "$1")
case("indexPut", [c, r32(torch.randn(2, 4)), I(0, 1), I(2, 0)], lambda t, v, i, j: put(t, v, L(i), L(j)), ["$2", "$3"], "$1")
case("indexPut", [c, r32(torch.randn(3, 4)), I(0, 1, 0), I(2, 0, 2)], lambda t, v, i, j: put(t, v, L(i), L(j), accumulate=True), ["$2", "$3"], "$1", {"accumulate": True})
case("take", [c, ids], lambda t, i: t.take(L(i)), "$1")
case("put", [x, I(0, 4), r32(torch.randn(2))], lambda t, i, v: t.put(L(i), v), "$1", "$2")
case("put", [x, I(0, 0, -1), r32(torch.randn(3))], lambda t, i, v: t.put(L(i), v, accumulate=True), "$1", "$2", {"accumulate": True})
case("scatter", [x, I(2, 0, 1, 2).reshape(2, 2), r32(torch.randn(2, 2))], lambda t, i, v: t.scatter(1, L(i), v), 1, "$1", "$2")
case("scatter", [x, I(1, 0).reshape(1, 2)], lambda t, i: t.scatter(0, L(i), 2.5), 0, "$1", 2.5)
case("indexFill", [x, I(0, 2)], lambda t, i: t.index_fill(1, L(i), 7.0), 1, "$1", 7)
mask = torch.tensor([[1, 0, 1], [0, 0, 1]], dtype=torch.int32)
case("maskedFill", [x, mask], lambda t, m: t.masked_fill(m.bool(), -2.5), "$1", -2.5)
case("maskedSelect", [x, mask], lambda t, m: t.masked_select(m.bool()), "$1")
case("maskedSelect", [x, I(1, 0, 1)], lambda t, m: t.masked_select(m.bool()), "$1")
case("takeAlongDim", [x, I(2, 0, 1, 1).reshape(2, 2)], lambda t, i: t.take_along_dim(L(i), 1), "$1", 1)
case("gather", [ai.reshape(1, 5), I(2, 0).reshape(1, 2)], lambda t, i: t.gather(1, L(i)), 1, "$1")
case("indexSelect", [ai, I(2, 0, 2)], lambda t, i: t.index_select(0, i), 0, "$1")

nans = torch.tensor([[2.0, math.nan, -1, 2, math.inf], [0, -0.0, math.nan, -math.inf, 1]])
s = lambda p: (p.values, p.indices.int())
for d in [False, True]:
    case("sort", [x], lambda t: s(t.sort(-1, d)), -1, {"descending": d})
    case("sort", [c], lambda t: s(t.sort(1, d)), 1, {"descending": d})
    case("sort", [nans], lambda t: s(torch.sort(t.detach(), dim=-1, descending=d, stable=True)), -1, {"descending": d})
    case("argsort", [nans], lambda t: torch.argsort(t, dim=-1, descending=d, stable=True).int(), -1, {"descending": d})
    case("sort", [ai], lambda t: s(torch.sort(t, dim=0, descending=d, stable=True)), 0, {"descending": d})
    case("topk", [c], lambda t: s(t.topk(2, 2, d)), 2, 2, {"largest": d})
case("topk", [nans[0, :3]], lambda t: s(t.detach().topk(2)), 2)
u = lambda t: tuple(v.int() if i else v for i, v in enumerate(torch.unique(t.detach(), return_inverse=True, return_counts=True)))
case("unique", [torch.tensor([[3.0, 1, 3], [2, 1, 1]])], u)
case("unique", [ai], u)
case("bincount", [I(1, 3, 1, 0)], lambda t: torch.bincount(t, minlength=6).int(), {"minlength": 6})
case("histc", [x], lambda t: torch.histc(t.detach(), 5), {"bins": 5})
case("histc", [x], lambda t: torch.histc(t.detach(), 4, -1, 1), {"bins": 4, "min": -1, "max": 1})
edges = torch.tensor([1.0, 2, 2, 5])
looked = torch.tensor([[0.0, 2, 5], [6, 1, math.nan]])
case("searchsorted", [edges, looked], lambda e, v: torch.searchsorted(e, v).int(), "$1")
case("searchsorted", [edges, looked], lambda e, v: torch.searchsorted(e, v, right=True).int(), "$1", {"right": True})
case("searchsorted", [torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.5], [3]])], lambda e, v: torch.searchsorted(e, v).int(), "$1")

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases of", len({c["op"] for c in cases}), "ops, torch", torch.__version__)
