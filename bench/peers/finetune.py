"""PyTorch's side of bench:finetune: transformers' classifier on a saved encoder. Called by ../finetune.mjs.

usage: finetune.py FILE, JSON of {model, labelNames, order: [[[row]]] a batch an epoch, epochs, threads, seed, limit, padId, lr,
weightDecay, warmup, batch, maxNorm, train, dev, test: {ids, labels}}; prints {"split": [[forward, backward, optimizer ms]] a step,
"loss": mean, "first": loss of the first step, "dev", "test": accuracies, null with a limit}
"""
import json
import sys
import time

import torch
import transformers as tr

with open(sys.argv[1]) as file:
    work = json.load(file)
torch.set_num_threads(work["threads"])
torch.manual_seed(work["seed"])
tr.utils.logging.set_verbosity_error()
tr.utils.logging.disable_progress_bar()
model = tr.AutoModelForSequenceClassification.from_pretrained(work["model"], num_labels=len(work["labelNames"]))
optimizer = torch.optim.AdamW(model.parameters(), lr=work["lr"], weight_decay=work["weightDecay"])
total = sum(len(batches) for batches in work["order"])
schedule = tr.get_linear_schedule_with_warmup(optimizer, round(work["warmup"] * total), total)


def inputs(data, rows):
    ids = [torch.tensor(data["ids"][row]) for row in rows]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=work["padId"])
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
    return dict(input_ids=padded, attention_mask=mask)


def step(rows):
    data = work["train"]
    start = time.perf_counter()
    loss = model(**inputs(data, rows), labels=torch.tensor([data["labels"][row] for row in rows])).loss
    forward = time.perf_counter()
    loss.backward()
    backward = time.perf_counter()
    torch.nn.utils.clip_grad_norm_(model.parameters(), work["maxNorm"])
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    value = loss.item()
    marks = [start, forward, backward, time.perf_counter()]
    return value, [(b - a) * 1e3 for a, b in zip(marks, marks[1:])]


def accuracy(data):
    model.eval()
    order = sorted(range(len(data["ids"])), key=lambda row: len(data["ids"][row]))
    right = 0
    with torch.no_grad():
        for start in range(0, len(order), 128):
            rows = order[start:start + 128]
            guesses = model(**inputs(data, rows)).logits.argmax(1).tolist()
            right += sum(guess == data["labels"][row] for guess, row in zip(guesses, rows))
    return right / len(order)


model.train()
done = [step(rows) for rows in [rows for batches in work["order"] for rows in batches][:work["limit"]]]
losses = [loss for loss, _ in done]
test = work["limit"] is None
print(json.dumps({
    "split": [split for _, split in done],
    "loss": sum(losses) / len(losses),
    "first": losses[0],
    "dev": accuracy(work["dev"]) if test else None,
    "test": accuracy(work["test"]) if test else None,
}))
