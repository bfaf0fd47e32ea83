"""Writes products_losses.json: what PyTorch makes of einsum equations, vector products and plain losses in float64.

usage: pip install torch==2.15.0; python3 products_losses.py

A case: call (the name here), args, options, inputs as {shape, data}, out and the gradients of out times weights.
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(21)
torch.set_default_dtype(torch.float64)
cases = []


def numbers(t):
    return {"shape": list(t.shape), "data": t.detach().flatten().tolist(), "int": not t.is_floating_point()}


def case(call, run, inputs, options=None, held=()):
    inputs = [t.clone() for t in inputs]
    learn = [i for i, t in enumerate(inputs) if t.is_floating_point() and i not in held]
    for i in learn:
        inputs[i].requires_grad_()
    out = run(*inputs)
    weights = torch.randn(out.shape)
    grads = torch.autograd.grad((out * weights).sum(), [inputs[i] for i in learn])
    cases.append({
        "call": call, "options": options or {}, "inputs": [numbers(t) for t in inputs], "out": numbers(out),
        "weights": numbers(weights), "grads": {str(i): numbers(g) for i, g in zip(learn, grads)},
    })


r = torch.randn
for equation, shapes in [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ba,cb", [(2, 3), (4, 2)]), ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]), ("iij->ji", [(2, 2, 3)]), ("i,j", [(2,), (3,)]), ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (3, 3, 2)]), ("b...,b->...", [(2, 3, 2), (2,)]), ("...a,a", [(2, 3, 4), (4,)]),
    ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 2, 4)]), ("ij,kj,k->i", [(2, 3), (4, 3), (4,)]), ("Ab,bc", [(2, 3), (3, 2)]),
    ("i j , j -> i", [(2, 3), (3,)]), ("ijk->", [(2, 3, 2)]), ("ij,ij->j", [(2, 3), (2, 3)]), ("ij,jk->ik", [(2, 1), (3, 4)]),
    ("iij,jkk->ik", [(2, 2, 3), (3, 2, 2)]), ("abc,cd,de,b->ae", [(2, 3, 2), (2, 3), (3, 2), (3,)]),
]:
    case("einsum", lambda *t: torch.einsum(equation, *t), [r(s) for s in shapes], {"equation": equation})
for a, b in [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (2, 3, 4)), ((2, 4, 3), (3,)), ((2, 1, 2, 3), (3,))]:
    case("matmul", torch.matmul, [r(a), r(b)])
case("dot", torch.dot, [r(4), r(4)])
case("outer", torch.outer, [r(2), r(3)])
case("bmm", torch.bmm, [r(2, 2, 3), r(2, 3, 4)])
case("tensordot", lambda a, b: torch.tensordot(a, b, 2), [r(2, 3, 4), r(3, 4, 2)], {"dims": 2})
case("tensordot", lambda a, b: torch.tensordot(a, b, ([0, 2], [2, 0])), [r(2, 3, 4), r(4, 3, 2)], {"dims": [[0, 2], [2, 0]]})

for reduction in ["mean", "sum", "none"]:
    o = {"reduction": reduction}
    x, y = 3 * r(4, 3), torch.rand(4, 3)
    w, pw = torch.rand(4, 1), 1 + torch.rand(3)
    bce = F.binary_cross_entropy_with_logits
    case("bceWithLogits", lambda a, b: bce(a, b, **o), [x, y], o)
    case("bceWithLogits", lambda a, b, w, p: bce(a, b, w.expand(4, 3), pos_weight=p, **o), [20 * x, y.round(), w, pw], {**o, "weights": True}, held=(2, 3))
    case("bce", lambda a, b: F.binary_cross_entropy(a, b, **o), [torch.rand(4, 3), y], o)
    case("bce", lambda a, b, w: F.binary_cross_entropy(a, b, w.expand(4, 3), **o), [torch.rand(4, 3), y.round(), w], {**o, "weights": True}, held=(2,))
    case("l1", lambda a, b: F.l1_loss(a, b, **o), [x, r(4, 3)], o)
    for beta in [1, 0.25, 0]:
        case("smoothL1", lambda a, b: F.smooth_l1_loss(a, b, beta=beta, **o), [x, r(4, 3)], {**o, "beta": beta})
    for delta in [1, 2.5]:
        case("huber", lambda a, b: F.huber_loss(a, b, delta=delta, **o), [x, r(4, 3)], {**o, "delta": delta})
    logp, labels = F.log_softmax(r(4, 3), -1), torch.tensor([2, 0, 1, 2], dtype=torch.int32)
    case("nll", lambda a, b: F.nll_loss(a, b.long(), **o), [logp, labels], o)
    case("nll", lambda a, b, w: F.nll_loss(a, b.long(), w, ignore_index=1, **o), [logp, labels, torch.rand(3)], {**o, "ignoreIndex": 1, "weights": True}, held=(2,))
    sign = torch.tensor([1.0, -1, -1, 1])
    case("marginRanking", lambda a, b, c: F.margin_ranking_loss(a, b, c, margin=0.5, **o), [r(4), r(4), sign], {**o, "margin": 0.5}, held=(2,))
    case("hingeEmbedding", lambda a, b: F.hinge_embedding_loss(a, b, margin=1.5, **o), [r(4), sign], {**o, "margin": 1.5}, held=(1,))
    case("tripletMargin", lambda a, b, c: F.triplet_margin_loss(a, b, c, **o), [r(4, 3), r(4, 3), r(4, 3)], o)
    case("tripletMargin", lambda a, b, c: F.triplet_margin_loss(a, b, c, margin=2, p=3, swap=True, **o), [r(4, 3), r(4, 3), r(4, 3)], {**o, "margin": 2, "p": 3, "swap": True})

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "products_losses.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
