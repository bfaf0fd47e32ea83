"""The losses of plans that read logits: each a sum over some rows of a batch, divided by what all its rows say.

So the shares of several processes add up to the loss of the batch. As in src/distill/plan/on-logits.ts.
"""
import torch
import torch.nn.functional as F


def soft_loss(z, teacher, options, task, rows):
    T, classes = options["T"], z.shape[1]
    if task == "numbers":
        return F.mse_loss(z, teacher, reduction="sum") / (rows * classes)
    by = {"batchmean": rows, "mean-elements": rows * classes, "sum-rows": 1}[options["reduction"]]
    if task == "sets":
        target = torch.sigmoid(teacher / T)
        total = F.binary_cross_entropy_with_logits(z / T, target, reduction="sum")
        if options["form"] == "kl":
            total = total - F.binary_cross_entropy_with_logits(teacher / T, target, reduction="sum")
        by = {"batchmean": rows * classes, "mean-elements": 2 * rows * classes, "sum-rows": 1}[options["reduction"]]
    else:
        target, logp = F.softmax(teacher / T, -1), F.log_softmax(z / T, -1)
        total = F.kl_div(logp, target, reduction="sum") if options["form"] == "kl" else -(target * logp).sum()
    return total / by * (T * T if options["tSquared"] else 1)


def hard_loss(z, y, options, task, rows):
    if task == "classes":
        return F.cross_entropy(z, y, ignore_index=-100, label_smoothing=options["labelSmoothing"], reduction="sum") / rows
    known = ~torch.isnan(y[:, 0])
    z, y = z[known], y[known]
    if task == "numbers":
        return F.mse_loss(z, y, reduction="sum") / (rows * z.shape[1])
    smoothing = options["labelSmoothing"]
    return F.binary_cross_entropy_with_logits(z, y * (1 - smoothing) + smoothing / 2, reduction="sum") / (rows * z.shape[1])


def annealed_loss(z, teacher, y, options, progress, rows):
    y = torch.full((len(z),), -100, device=z.device) if y is None else y
    part = torch.where(y < 0, 0.0, progress).unsqueeze(1).to(z.dtype)
    gold = F.one_hot(y.clamp(min=0), z.shape[1]).to(z.dtype)
    target = part * gold + (1 - part) * F.softmax(teacher / options["T"], -1)
    return -(target * F.log_softmax(z, -1)).sum() / rows


def losses_of(stage, task, z, teacher, y, any_label, progress, rows):
    """(name, weight, value) of each loss of the stage that this batch has something for."""
    for loss in stage["losses"]:
        name, options, weight = loss["name"], loss["options"], loss["weight"]
        if isinstance(weight, dict):
            weight = weight["from"] + (weight["to"] - weight["from"]) * progress
        if name == "soft":
            yield name, weight, soft_loss(z, teacher, options, task, rows)
        elif name == "annealed":
            yield name, weight, annealed_loss(z, teacher, y, options, progress, rows)
        elif any_label:
            yield name, weight, hard_loss(z, y, options, task, rows)
