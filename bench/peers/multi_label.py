"""PyTorch's side of ../multi-label.mjs: the same teacher, first weights, rows and settings; only the order of batches differs.

usage: python3 multi_label.py FOLDER; prints JSON: macro F1 of teacher, alone and distilled on the test rows.
"""
import json
import sys
from os.path import join

import torch
import torch.nn.functional as F
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup, logging

logging.set_verbosity_error()
folder = sys.argv[1]
at = lambda name: join(folder, name)
s = json.load(open(at("settings.json")))
tokenizer = AutoTokenizer.from_pretrained(at("teacher"))
teacher = AutoModelForSequenceClassification.from_pretrained(at("teacher")).eval()
names = [teacher.config.id2label[i] for i in range(teacher.config.num_labels)]


def read(name):
    rows = [json.loads(line) for line in open(at(name))]
    e = tokenizer([r["text"] for r in rows], padding=True, truncation=True, max_length=64, return_tensors="pt")
    inputs = {k: e[k] for k in ("input_ids", "attention_mask")}
    return inputs, torch.tensor([[float(n in r["labels"]) for n in names] for r in rows])


def logits(model, inputs):
    with torch.no_grad():
        return model(**inputs).logits


def macro_f1(z, y):
    yes, y = z >= 0, y >= 0.5
    hits, both = (yes & y).sum(0), yes.sum(0) + y.sum(0)
    return torch.where(both > 0, 2 * hits / both.clamp(min=1), 0).double().mean().item()


train, y = read("train.jsonl")
test, y_test = read("test.jsonl")
z_t = logits(teacher, train)


def student(seed, alpha):
    model = AutoModelForSequenceClassification.from_pretrained(at("start"))
    torch.manual_seed(seed)
    plain = [p for n, p in model.named_parameters() if n.endswith("bias") or "norm" in n.lower()]
    rest = [p for p in model.parameters() if not any(p is q for q in plain)]
    optimizer = torch.optim.AdamW(
        [{"params": rest, "weight_decay": s["weightDecay"]}, {"params": plain, "weight_decay": 0}], lr=s["lr"])
    n, size, T = len(y), s["batchSize"], s["T"]
    total = s["epochs"] * ((n + size - 1) // size)
    schedule = get_linear_schedule_with_warmup(optimizer, int(s["warmup"] * total), total)
    model.train()
    for _ in range(s["epochs"]):
        for rows in torch.randperm(n).split(size):
            z = model(**{k: v[rows] for k, v in train.items()}).logits
            soft = T * T * F.binary_cross_entropy_with_logits(z / T, (z_t[rows] / T).sigmoid())
            hard = F.binary_cross_entropy_with_logits(z, y[rows])
            optimizer.zero_grad()
            (alpha * soft + (1 - alpha) * hard).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return macro_f1(logits(model.eval(), test), y_test)


seeds = range(1, s["seeds"] + 1)
print(json.dumps({
    "teacher": macro_f1(logits(teacher, test), y_test),
    "alone": [student(i, 0) for i in seeds],
    "distilled": [student(i, s["alpha"]) for i in seeds],
}))
