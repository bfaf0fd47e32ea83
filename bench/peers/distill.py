"""PyTorch's side of bench:distill: soft targets and labels from a teacher of transformers. Called by ../distill.mjs.

usage: distill.py JSON of {teacher, train, dev: files of text TAB label, more: JSON list of texts without labels, threads, config:
the student's, epochs, batch, longest, lr, T, alpha}; prints {"steps", "accuracy": the best on dev after an epoch}
"""
import csv
import json
import os
import sys

import torch
import torch.nn.functional as F
import transformers as tr

work = json.loads(sys.argv[1])
torch.set_num_threads(work["threads"])
torch.manual_seed(1)
tr.utils.logging.set_verbosity_error()
tr.utils.logging.disable_progress_bar()
teacher = tr.AutoModelForSequenceClassification.from_pretrained(work["teacher"]).eval()
tokenizer = tr.AutoTokenizer.from_pretrained(work["teacher"])
label2id = teacher.config.label2id


def encode(texts):
    return [torch.tensor(row) for row in tokenizer(texts, truncation=True, max_length=work["longest"])["input_ids"]]


def read(path):
    with open(path, encoding="utf8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) == 2]
    if rows[0][1] not in label2id:
        rows = rows[1:]
    return encode([text for text, _ in rows]), torch.tensor([label2id[label] for _, label in rows])


def inputs(ids, rows):
    texts = [ids[row] for row in rows]
    pad = torch.nn.utils.rnn.pad_sequence
    return dict(
        input_ids=pad(texts, batch_first=True, padding_value=tokenizer.pad_token_id),
        attention_mask=pad([torch.ones_like(text) for text in texts], batch_first=True),
    )


def by_length(ids, batch):
    """Rows in batches of like length: what padding costs least."""
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    return [order[start:start + batch] for start in range(0, len(order), batch)]


def logits_of(model, ids):
    model.eval()
    out = torch.empty(len(ids), model.config.num_labels)
    with torch.no_grad():
        for rows in by_length(ids, 64):
            out[rows] = model(**inputs(ids, rows)).logits
    return out


ids, labels = read(work["train"])
with open(work["more"], encoding="utf8") as file:
    more = encode(json.load(file)) if os.path.getsize(work["more"]) > 2 else []
ids = ids + more
labels = torch.cat([labels, torch.full((len(more),), -100)])
dev_ids, dev_labels = read(work["dev"])
said = logits_of(teacher, ids)
student = tr.BertForSequenceClassification(tr.BertConfig(**work["config"]))
optimizer = torch.optim.AdamW(student.parameters(), lr=work["lr"], weight_decay=0.01)
batches = by_length(ids, work["batch"])
total = work["epochs"] * len(batches)
schedule = tr.get_linear_schedule_with_warmup(optimizer, round(0.1 * total), total)
T, alpha = work["T"], work["alpha"]


def hard(logits, labels):
    """The mean over rows with a label; 0 where there is none."""
    return F.cross_entropy(logits, labels, reduction="sum") / (labels >= 0).sum().clamp(min=1)


best = 0.0
for _ in range(work["epochs"]):
    student.train()
    for place in torch.randperm(len(batches)).tolist():
        rows = batches[place]
        logits = student(**inputs(ids, rows)).logits
        soft = F.kl_div(F.log_softmax(logits / T, -1), F.log_softmax(said[rows] / T, -1), reduction="batchmean", log_target=True)
        loss = alpha * T * T * soft + (1 - alpha) * hard(logits, labels[rows])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    best = max(best, (logits_of(student, dev_ids).argmax(1) == dev_labels).float().mean().item())
print(json.dumps({"steps": total, "accuracy": best}))
