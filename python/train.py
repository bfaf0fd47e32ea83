#!/usr/bin/env python3
"""Trains what tinystill export-training wrote: the same recipe from the same weights, batches and teacher's logits.

    python3 train.py                                   one process, on a GPU where there is one
    torchrun --nproc-per-node 2 train.py               several, on one machine or many
    accelerate launch train.py

A batch is shared out among the processes, so that their number changes nothing but the speed. The student is a folder that
transformers and tinystill load. Takes numpy, safetensors, torch and transformers; tinystill_cache.py lies beside it.
"""
import argparse
import hashlib
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.distributed as dist
import transformers
from batches import batches_of
from losses import losses_of
from rows import Rows
from safetensors.torch import save_file
from tinystill_cache import Cache, CacheError, need, read_json, sha256_of, write_atomic

HERE = os.path.dirname(os.path.abspath(__file__))
FORMAT, VERSION = "tinystill-training", 1


class Crew:
    """The processes of a training: which of them this one is, and what they add up."""

    def __init__(self, device):
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        gpu = device is None and torch.cuda.is_available()
        self.device = torch.device(f"cuda:{int(os.environ.get('LOCAL_RANK', 0))}" if gpu else device or "cpu")
        if self.world > 1:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def sum(self, values):
        """Of a list of numbers, over all processes."""
        out = torch.tensor(values, dtype=torch.float64, device=self.device)
        if self.world > 1:
            dist.all_reduce(out)
        return out.tolist()

    def share(self, rows):
        return np.array_split(rows, self.world)[self.rank]

    def tell(self, line):
        if self.rank == 0:
            print(line, file=sys.stderr, flush=True)


class Log:
    """metrics.jsonl, written by the first process, and cut to what a checkpoint knows of it."""

    def __init__(self, path, size, crew):
        self.file = open(path, "a+b") if crew.rank == 0 else None
        if self.file:
            self.file.truncate(size)

    def add(self, **line):
        if self.file:
            self.file.write(json.dumps(line).encode() + b"\n")

    def size(self):
        if self.file is None:
            return 0
        self.file.flush()
        os.fsync(self.file.fileno())
        return os.fstat(self.file.fileno()).st_size


# ---- a stage


def schedule(fit, total):
    rise = math.floor(fit["warmup"] * total + 0.5) if fit["warmup"] < 1 else fit["warmup"]

    def factor(step):
        if step < rise:
            return step / rise
        part = min(1, (step - rise) / max(1, total - rise))
        return {"constant": 1, "linear": 1 - part, "cosine": (1 + math.cos(math.pi * part)) / 2}[fit["schedule"]]

    return factor


def length_of(fit, per_epoch):
    """Epochs, of which steps may cut the last; batches; optimizer steps."""
    steps_per_epoch = math.ceil(per_epoch / fit["accumulate"])
    if fit["steps"] is None:
        return fit["epochs"], fit["epochs"] * per_epoch, fit["epochs"] * steps_per_epoch
    whole, rest = divmod(fit["steps"], steps_per_epoch)
    return math.ceil(fit["steps"] / steps_per_epoch), whole * per_epoch + rest * fit["accumulate"], fit["steps"]


def optimizer_of(model, stage):
    fit, named = stage["fit"], dict(model.named_parameters())
    names = [name for group in stage["groups"] for name in group["names"]]
    need(sorted(names) == sorted(named), "plan.json", f"groups of {stage['name']} do not name the parameters of the student once each")
    groups = [
        {
            "params": [named[name] for name in group["names"]],
            **{"scale": group["lrScale"], "weight_decay": fit["weightDecay"] if group["decays"] else 0},
        }
        for group in stage["groups"]
    ]
    eps = {} if fit["eps"] is None else {"eps": fit["eps"]}
    return torch.optim.AdamW(groups, lr=fit["lr"], betas=tuple(fit["betas"]), **eps)


def clip(parameters, fit):
    """The norm of all gradients before; afterwards they are at most fit's, together or each."""
    if fit["clip"] == "global":
        return float(torch.nn.utils.clip_grad_norm_(parameters, fit["maxNorm"]))
    norm = float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    for p in parameters:
        torch.nn.utils.clip_grad_norm_([p], fit["maxNorm"])
    return norm


def predict(model, rows, crew, batch_size=256):
    """float32 [n, C] on each process, which compute their shares."""
    model.eval()
    order = np.argsort(rows.lengths, kind="stable")
    out = torch.zeros(len(rows), model.config.num_labels, device=crew.device)
    with torch.inference_mode():
        for start in range(0, len(order), batch_size * crew.world):
            own = crew.share(order[start : start + batch_size * crew.world])
            if len(own):
                out[torch.from_numpy(own)] = model(**rows.input(own, model.config.model_type, crew.device)).logits.float()
    if crew.world > 1:
        dist.all_reduce(out)
    return out.cpu().numpy()


def ranks(values):
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def score(logits, rows, task):
    """The figure that decides which weights are kept: accuracy, macro F1, Spearman's correlation."""
    if task == "classes":
        return float((logits.argmax(1) == rows.labels).mean())
    if task == "sets":
        yes, true = logits >= 0, rows.targets >= 0.5
        return float(np.mean(2 * (yes & true).sum(0) / np.maximum(1, yes.sum(0) + true.sum(0))))
    with np.errstate(invalid="ignore"):
        return float(np.mean([np.corrcoef(ranks(z), ranks(y))[0, 1] for z, y in zip(logits.T, rows.targets.T)]))


def train_stage(stage, plan, model, rows, teacher, dev, crew, state, log, keep):
    """Trains the model by one stage, from where `state` was left. `keep` is called with the new state after each epoch."""
    fit, task, device = stage["fit"], plan["task"], crew.device
    # Each process has its share of a batch; DDP adds their gradients up, divided by their number.
    shared = torch.nn.parallel.DistributedDataParallel(model) if crew.world > 1 else model
    optimizer = optimizer_of(model, stage)
    per_epoch = math.ceil(len(rows) / fit["batchSize"])
    epochs, total, steps = length_of(fit, per_epoch)
    factor, done, best = schedule(fit, steps), 0, {"score": None, "weights": None}
    if state["optimizer"] is not None:
        optimizer.load_state_dict(state["optimizer"])
        done, best = state["steps"], state["best"]
    began, told = time.monotonic(), 0.0
    for epoch in range(state["epoch"] + 1, epochs + 1):
        batches = batches_of(rows.lengths, fit["batchSize"], plan["seed"], epoch)
        batches = batches[: min(len(batches), total - (epoch - 1) * per_epoch)]
        # What dropout drops follows from the place, so that a training that goes on goes on alike.
        torch.manual_seed(int.from_bytes(hashlib.sha256(f"{plan['seed']} {stage['name']} {epoch} {crew.rank}".encode()).digest()[:7], "big"))
        model.train()
        for i, batch in enumerate(batches):
            group = batches[i - i % fit["accumulate"] :][: fit["accumulate"]]
            step, ends = (epoch - 1) * per_epoch + i + 1, (i + 1) % fit["accumulate"] == 0 or i + 1 == len(batches)
            own = crew.share(batch)
            weight = 1 if len(own) else 0
            # A process without a row still takes part: with one that counts nothing.
            own = own if weight else batch[:1]
            y, every = rows.wanted(own, device), rows.wanted(batch, "cpu")
            any_label = every is not None and bool((every >= 0).any() if task == "classes" else (~torch.isnan(every[:, 0])).any())
            z = shared(**rows.input(own, model.config.model_type, device)).logits
            given = None if teacher is None else torch.from_numpy(teacher[own]).to(device)
            parts = list(losses_of(stage, task, z, given, y, any_label, (step - 1) / total, len(batch)))
            need(parts, stage["name"], "a batch has no labels, and it learns from nothing else")
            loss = sum(w * value for _, w, value in parts) * weight
            figures = crew.sum([loss.item(), *(value.item() * weight for _, _, value in parts)])
            need(math.isfinite(figures[0]), stage["name"], f"the loss became {figures[0]} at step {step} of {total}, epoch {epoch}")
            scaled = loss * crew.world * len(batch) / sum(map(len, group))
            if crew.world > 1 and not ends:
                with shared.no_sync():
                    scaled.backward()
            else:
                scaled.backward()
            norm, rate = 0.0, fit["lr"] * factor(done)
            if ends:
                norm = clip(list(model.parameters()), fit)
                need(math.isfinite(norm), stage["name"], f"the gradient norm became {norm} at step {step} of {total}, epoch {epoch}")
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["scale"]
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                done += 1
            terms = {name: value for (name, _, _), value in zip(parts, figures[1:])}
            place = {"model": stage["name"], "epoch": epoch, "step": step}
            log.add(type="step", **place, total=total, loss=figures[0], terms=terms, lr=rate, gradNorm=norm)
            if time.monotonic() - told > 10 or step == total:
                told = time.monotonic()
                crew.tell(f"{stage['name']}: epoch {epoch}, step {step} of {total}, loss {figures[0]:.4f}, {step / (told - began):.2f} steps/s")
        if dev is not None:
            figure = score(predict(model, dev, crew), dev, task)
            log.add(type="evaluation", **place, score=figure)
            crew.tell(f"{stage['name']}: epoch {epoch}, {plan['metric']} on dev {figure:.4f}")
            if best["score"] is None or figure > best["score"] or (math.isnan(best["score"]) and not math.isnan(figure)):
                best = {"score": figure, "weights": {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}}
        state.update({"epoch": epoch, "steps": done, "optimizer": optimizer.state_dict(), "best": best, "model": model.state_dict()})
        keep(state)
    if best["weights"] is not None and fit["keep"] == "best":
        model.load_state_dict(best["weights"])
    model.eval()


# ---- the training


def open_plan():
    """plan.json, found with the files that it was written with."""
    path = os.path.join(HERE, "plan.json")
    plan = read_json(path)
    need(plan.get("format") == FORMAT and plan.get("version") == VERSION, path, f"is no {FORMAT} of version {VERSION}")
    for name, sha256 in plan["files"].items():
        file = os.path.join(HERE, name)
        need(os.path.isfile(file), file, "is missing. Export again, or copy the whole folder")
        need(sha256_of(file) == sha256, file, "has changed since it was exported. Export again, or copy the whole folder")
    return plan


def open_cache(plan):
    """The teacher's logits, of the teacher that the plan names."""
    cache = Cache(os.path.join(HERE, "cache"))
    own = cache.manifest
    need(own["complete"], cache.folder, "is not complete")
    for name in ("weights", "config"):
        there, wanted = own["teacher"][name], plan["teacher"][name]
        need(there == wanted, cache.folder, f"is of another teacher: teacher.{name} is {there[:12]}..., plan.json says {wanted[:12]}...")
    need(own["labels"] == plan["labels"], cache.folder, f"its classes are {', '.join(own['labels'])}, plan.json says {', '.join(plan['labels'])}")
    return cache


def load_student(folder, dropout):
    folder = os.path.join(HERE, folder)
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if dropout is not None:
        for name, value in config.to_dict().items():
            if "dropout" in name and isinstance(value, float):
                setattr(config, name, dropout)
    model, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, config=config, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    need(not info["missing_keys"] and not info["unexpected_keys"], folder, "its weights are not those of its config.json")
    return model


def save_student(model, student, out):
    """The student's folder with other weights, config.json last: a folder that has one is whole."""
    source = os.path.join(HERE, student)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    temporary = os.path.join(out, ".model.safetensors.tmp")
    save_file(weights, temporary, metadata={"format": "pt"})
    os.replace(temporary, os.path.join(out, "model.safetensors"))
    for name in sorted(os.listdir(source), key=lambda name: name == "config.json"):
        if not name.endswith(".safetensors"):
            with open(os.path.join(source, name), "rb") as file:
                write_atomic(os.path.join(out, name), file.read())


def save_checkpoint(state, out):
    temporary = os.path.join(out, ".checkpoint.tmp")
    torch.save(state, temporary)
    os.replace(temporary, os.path.join(out, "checkpoint.pt"))


def run(options, crew):
    plan = open_plan()
    out, identity = options.out, sha256_of(os.path.join(HERE, "plan.json"))
    checkpoint = os.path.join(out, "checkpoint.pt")
    need(not os.path.exists(os.path.join(out, "config.json")), out, "holds a model already. Choose another --out")
    need(options.resume or not os.path.exists(checkpoint), out, "holds a training that was ended. Go on with it by --resume, or choose another --out")
    state = {"finished": {}, "epoch": 0, "steps": 0, "optimizer": None, "best": None, "model": None, "metrics": 0, "plan": identity}
    if options.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        need(state["plan"] == identity, out, "holds a training by another plan.json")
        crew.tell(f"{out}: going on after epoch {state['epoch']}")
    if crew.rank == 0:
        os.makedirs(out, exist_ok=True)
    cache = open_cache(plan) if any(stage["teacher"] == "cache" for stage in plan["stages"]) else None
    dev = Rows(HERE, "dev", plan) if os.path.exists(os.path.join(HERE, "data", "dev.safetensors")) else None

    log = Log(os.path.join(out, "metrics.jsonl"), state["metrics"], crew)

    def keep(state):
        state["metrics"] = log.size()
        if crew.rank == 0:
            save_checkpoint(state, out)

    crew.tell(plan["description"])
    models, folders = {}, {}
    for stage in plan["stages"]:
        name, start = stage["name"], stage["start"]
        goes_on = start in folders
        folders[name] = folders.get(start, start)
        model = load_student(folders[name], options.dropout).to(crew.device)
        if name in state["finished"]:
            model.load_state_dict(state["finished"][name])
            models[name] = model.eval()
            continue
        if state["model"] is not None:
            model.load_state_dict(state["model"])
        elif goes_on:
            model.load_state_dict(models[start].state_dict())
        rows = Rows(HERE, stage["data"], plan)
        teacher = None
        if stage["teacher"] == "cache":
            teacher = rows.cached(cache)
        elif stage["teacher"] is not None:
            teacher = predict(models[stage["teacher"]], rows, crew)
        train_stage(stage, plan, model, rows, teacher, dev, crew, state, log, keep)
        models[name] = model
        state["finished"][name] = {key: value.detach().cpu() for key, value in model.state_dict().items()}
        state.update({"epoch": 0, "steps": 0, "optimizer": None, "best": None, "model": None})
        keep(state)
    if crew.rank == 0:
        save_student(models[plan["result"]], folders[plan["result"]], out)
        os.remove(checkpoint)
        print(f"{out}: the student. To judge it: tinystill eval --model {out} --data FILE")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(HERE, "trained"), help="the student's folder; default: trained, beside plan.json")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("--dropout", type=float, help="in the place of the student's own: 0 to compare trainings step by step")
    parser.add_argument("--resume", action="store_true", help="goes on after the last whole epoch")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    crew = Crew(options.device)
    try:
        run(options, crew)
    except (CacheError, OSError) as error:
        line = str(error) if isinstance(error, CacheError) else f"{error.filename}: {error.strerror}"
        sys.exit(f"train: {line}" if crew.rank == 0 else 1)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


if __name__ == "__main__":
    main()
