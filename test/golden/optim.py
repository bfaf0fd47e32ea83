"""Writes optim.json: 20 steps of PyTorch's optimizers and schedules.

usage: /path/to/python3 test/golden/optim.py > test/golden/optim.json

Every optimizer trains one parameter [2, 3] in float64; the gradient at step t is a function of t alone, so that only the
update is compared. Lion is not in torch: its lines follow Chen et al. 2023, algorithm 2.
"""
import json
import sys

import torch

STEPS = 20
START = [[1.0, -2.0, 3.0], [0.5, 0.0, -0.25]]


def gradient(t):
    i = torch.arange(6, dtype=torch.float64)
    return (torch.sin(1.7 * i + 0.9 * t) * (1 + 0.1 * i)).reshape(2, 3)


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.sign(b1 * m + (1 - b1) * p.grad), alpha=-group["lr"])
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


T = torch.optim
OPTIMIZERS = [
    ("SGD", T.SGD, {"lr": 0.05}),
    ("SGD", T.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    ("Adam", T.Adam, {"lr": 0.01, "weight_decay": 0.1}),
    ("AdamW", T.AdamW, {"lr": 0.01, "weight_decay": 0.1, "betas": [0.8, 0.98], "eps": 1e-6}),
    ("RMSprop", T.RMSprop, {}),
    ("RMSprop", T.RMSprop, {"lr": 0.02, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.8}),
    ("RMSprop", T.RMSprop, {"lr": 0.02, "alpha": 0.9, "centered": True, "eps": 1e-3}),
    ("RMSprop", T.RMSprop, {"lr": 0.02, "alpha": 0.9, "centered": True, "eps": 1e-3, "momentum": 0.5}),
    ("Adagrad", T.Adagrad, {}),
    ("Adagrad", T.Adagrad, {"lr": 0.1, "lr_decay": 0.02, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", T.Adadelta, {}),
    ("Adadelta", T.Adadelta, {"lr": 0.5, "rho": 0.95, "eps": 1e-3, "weight_decay": 0.1}),
    ("Lion", Lion, {"lr": 0.01}),
    ("Lion", Lion, {"lr": 0.01, "betas": [0.8, 0.95], "weight_decay": 0.1}),
]

L = T.lr_scheduler
SCHEDULES = [
    ("step", lambda o: L.StepLR(o, 6, 0.3), {"stepSize": 6, "gamma": 0.3}),
    ("multistep", lambda o: L.MultiStepLR(o, [3, 9, 10], 0.5), {"milestones": [3, 9, 10], "gamma": 0.5}),
    ("exponential", lambda o: L.ExponentialLR(o, 0.9), {"gamma": 0.9}),
    ("onecycle", lambda o: L.OneCycleLR(o, 1.0, total_steps=20, cycle_momentum=False), {"total": 20}),
    (
        "onecycle",
        lambda o: L.OneCycleLR(o, 1.0, total_steps=20, pct_start=0.4, anneal_strategy="linear", div_factor=10,
                               final_div_factor=100, three_phase=True, cycle_momentum=False),
        {"total": 20, "pctStart": 0.4, "annealStrategy": "linear", "divFactor": 10, "finalDivFactor": 100, "threePhase": True},
    ),
    ("cosineRestarts", lambda o: L.CosineAnnealingWarmRestarts(o, 4), {"T0": 4}),
    ("cosineRestarts", lambda o: L.CosineAnnealingWarmRestarts(o, 3, 2, 0.1), {"T0": 3, "Tmult": 2, "etaMin": 0.1}),
]

FIGURES = [3, 2, 2, 2.0001, 1.9, 1.9, 1.95, 2, 1.9, 1.8999, 1.8, 1.9, 1.9, 1.9, 1.9, 1.7, 1.7, 1.7, 1.7, 1.7]
PLATEAUS = [
    {"patience": 1},
    {"patience": 2, "factor": 0.5, "cooldown": 2, "threshold": 0.01, "thresholdMode": "abs"},
    {"mode": "max", "patience": 0, "factor": 0.6, "minFactor": 0.05},
]
NAMES = {"thresholdMode": "threshold_mode", "minFactor": "min_lr"}


def train(cls, options):
    p = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = cls([p], **options)
    values = []
    for t in range(STEPS):
        p.grad = gradient(t)
        optimizer.step()
        values.append(p.detach().flatten().tolist())
    return values


def rates(make, steps=STEPS):
    optimizer = T.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    out = []
    for i in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if i < steps - 1:
            schedule.step()
    return out


def plateau(options):
    optimizer = T.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = L.ReduceLROnPlateau(optimizer, **{NAMES.get(k, k): v for k, v in options.items()})
    out = []
    for figure in FIGURES:
        schedule.step(figure)
        out.append(optimizer.param_groups[0]["lr"])
    return out


def late():
    """Adam with a parameter whose first gradient comes at step 5."""
    a, b = (torch.nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    optimizer = T.Adam([a, b], lr=0.01)
    values = []
    for t in range(STEPS):
        a.grad = torch.ones_like(a)
        b.grad = torch.full_like(b, 1 + t) if t >= 5 else None
        optimizer.step()
        values.append([a.item(), b.item()])
    return values


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(w.capitalize() for w in rest)


json.dump(
    {
        "torch": torch.__version__,
        "start": START,
        "gradients": [gradient(t).flatten().tolist() for t in range(STEPS)],
        "optimizers": [
            {"name": name, "options": {camel(k): v for k, v in o.items()}, "values": train(cls, o)}
            for name, cls, o in OPTIMIZERS
        ],
        "late": late(),
        "schedules": [{"name": n, "options": o, "values": rates(make)} for n, make, o in SCHEDULES],
        "figures": FIGURES,
        "plateaus": [{"options": o, "values": plateau(o)} for o in PLATEAUS],
    },
    sys.stdout,
)
