"""TinyBERT's ablation with the losses of its official code, in PyTorch: what ablation.sh does with ours, on the same files.

usage: python3 ablation.py OUT TEACHER [SEEDS] [THREADS]
  OUT: the folder that ablation.sh filled (data/, more.tsv, text.txt, student.json). TEACHER: the classifier's folder.
  A line a variant and seed goes to OUT/torch.jsonl, and a run that was ended goes on from there.

Every text is padded to LENGTH tokens, as the code does, and padding counts in both losses: mean squares of hidden states through
one projection with a bias, and of attention scores whose masked keys are 0 (task_distill.py). Prediction: CE of soft targets as
the mean over all elements. Sizes and paces are ablation.mjs's. Not as the code: AdamW, and a teacher without dropout.
pip install torch==2.15.0 transformers==5.24.0
"""
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
import transformers as tr

OUT, TEACHER = sys.argv[1:3]
SEEDS, THREADS = (int(x) for x in (sys.argv[3:] + ["3", "1"][len(sys.argv) - 3 :]))
LENGTH, BATCH, TEXTS = 64, 32, 15000
LAYERS, PREDICTION = dict(epochs=3, lr=5e-4), dict(epochs=3, lr=3e-4)
torch.set_num_threads(THREADS)
tr.utils.logging.set_verbosity_error()

tokenizer = tr.AutoTokenizer.from_pretrained(TEACHER)
teacher = tr.AutoModelForSequenceClassification.from_pretrained(TEACHER).eval()
classes = {name: i for i, name in teacher.config.id2label.items()}


def rows(name):
    with open(os.path.join(OUT, name), encoding="utf8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file][1:]
    return [line[0] for line in lines], torch.tensor([classes[line[1]] for line in lines])


def encode(texts):
    return tokenizer(texts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt")


class Watched:
    """A classifier and the queries and keys of its layers, of which the attention scores are made."""

    def __init__(self, model):
        self.model, self.seen = model, {}
        for i, layer in enumerate(model.bert.encoder.layer):
            for name in ("query", "key"):
                getattr(layer.attention.self, name).register_forward_hook(
                    lambda _, __, out, at=(i, name): self.seen.__setitem__(at, out))

    def __call__(self, ids, mask, layers):
        """Logits, hidden states [B, T, C] and, of the layers named, attention scores [B, H, T, T], 0 at masked keys."""
        out = self.model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        heads = self.model.config.num_attention_heads

        def split(x):
            return x.view(*x.shape[:2], heads, -1).transpose(1, 2)

        scores = [split(self.seen[i, "query"]) @ split(self.seen[i, "key"]).transpose(2, 3) for i in layers]
        size = self.model.config.hidden_size // heads
        return out.logits, out.hidden_states, [s / size**0.5 * mask[:, None, None, :] for s in scores]


class Data:
    """Encoded texts and what the teacher says of them, asked once: float16, or they take 10 GB."""

    def __init__(self, name, texts, labels, depth):
        began = time.time()
        encoded = encode(texts)
        self.ids, self.mask, self.labels = encoded["input_ids"], encoded["attention_mask"], labels
        N, each, own = len(texts), teacher.config.num_hidden_layers // depth, teacher.config
        self.logits = torch.empty(N, len(classes))
        self.hidden = torch.empty(N, depth + 1, LENGTH, own.hidden_size, dtype=torch.half)
        self.scores = torch.empty(N, depth, own.num_attention_heads, LENGTH, LENGTH, dtype=torch.half)
        watched = Watched(teacher)
        with torch.no_grad():
            for at in torch.arange(N).split(64):
                layers = [i * each + each - 1 for i in range(depth)]
                self.logits[at], hidden, scores = watched(self.ids[at], self.mask[at], layers)
                self.hidden[at] = torch.stack([hidden[i * each] for i in range(depth + 1)], 1).half()
                self.scores[at] = torch.stack(scores, 1).half()
        print(f"{name}: {len(texts)} texts, {int(self.mask.sum())} tokens, {time.time() - began:.0f} s", flush=True)


def layered(drop):
    def loss(student, fit, data, at):
        _, hidden, scores = student(data.ids[at], data.mask[at], range(student.model.config.num_hidden_layers))
        total = 0
        if "hidden" not in drop:
            total = total + sum(F.mse_loss(fit(h), data.hidden[at, i].float()) for i, h in enumerate(hidden))
        if "attention" not in drop:
            total = total + sum(F.mse_loss(s, data.scores[at, i].float()) for i, s in enumerate(scores))
        return total
    return loss


def predicted(student, _, data, at):
    z = student(data.ids[at], data.mask[at], [])[0]
    return -(data.logits[at].softmax(1) * z.log_softmax(1)).mean()


def labelled(student, _, data, at):
    return F.cross_entropy(student(data.ids[at], data.mask[at], [])[0], data.labels[at])


def right(student, data):
    student.model.eval()
    with torch.no_grad():
        return torch.cat([student(data.ids[at], data.mask[at], [])[0].argmax(1) == data.labels[at]
                          for at in torch.arange(len(data.ids)).split(128)])


def fitted(student, fit, data, loss, seed, steps, lr, best_of=None):
    """Linear to 0 after a tenth of warm-up; with best_of, the weights of the best of three judgements are kept."""
    parameters = [*student.model.named_parameters(), *fit.named_parameters()]
    decayed = [p for n, p in parameters if p.dim() > 1]
    plain = [p for n, p in parameters if p.dim() == 1]
    optimizer = torch.optim.AdamW([dict(params=decayed, weight_decay=0.01), dict(params=plain, weight_decay=0)], lr=lr)
    schedule = tr.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    order, kept = torch.Generator().manual_seed(seed), (-1.0, None)
    queue = []
    for step in range(steps):
        if not queue:
            queue = list(torch.randperm(len(data.ids), generator=order).split(BATCH))
        student.model.train()
        optimizer.zero_grad()
        loss(student, fit, data, queue.pop()).backward()
        torch.nn.utils.clip_grad_norm_([p for _, p in parameters], 1.0)
        optimizer.step()
        schedule.step()
        if best_of and (step + 1) % (steps // 3) == 0:
            score = right(student, best_of).float().mean().item()
            if score > kept[0]:
                kept = (score, {n: t.clone() for n, t in student.model.state_dict().items()})
    if best_of:
        student.model.load_state_dict(kept[1])


with open(os.path.join(OUT, "student.json"), encoding="utf8") as file:
    size = json.load(file) | dict(num_labels=len(classes), vocab_size=teacher.config.vocab_size)
depth = size["num_hidden_layers"]
with open(os.path.join(OUT, "text.txt"), encoding="utf8") as file:
    lines = file.read().splitlines()
texts = [lines[i] for i in np.random.default_rng(1).permutation(len(lines))[:TEXTS]]
sets = {"text": Data("text", texts, None, depth)}
sets |= {name: Data(name, *rows(file), depth) for name, file in
         (("rows", "data/train.tsv"), ("augmented", "more.tsv"), ("dev", "data/dev.tsv"), ("test", "data/test.tsv"))}
agreed = (sets["test"].logits.argmax(1) == sets["test"].labels).float().mean()
print(f"teacher: {100 * agreed:.1f}", flush=True)

VARIANTS = {
    "all parts": {},
    "without general distillation": dict(general=False),
    "without augmentation": dict(augmented=False),
    "without attention": dict(drop=["attention"]),
    "without hidden states": dict(drop=["hidden"]),
    "without both": dict(drop=["attention", "hidden"]),
    "without prediction": dict(labels=True),
}


def steps_of(data, epochs):
    return epochs * -(-len(data.ids) // BATCH)


states = {}


def trained(seed, general=True, augmented=True, drop=(), labels=False):
    def start(state):
        torch.manual_seed(seed)
        student = Watched(tr.BertForSequenceClassification(tr.BertConfig(**size)))
        fit = torch.nn.Linear(size["hidden_size"], teacher.config.hidden_size)
        if state:
            student.model.load_state_dict(state[0])
            fit.load_state_dict(state[1])
        return student, fit

    def stage(key, state, *rest, **more):
        if key not in states:
            student, fit = start(state)
            fitted(student, fit, *rest, **more)
            states[key] = tuple({n: t.clone() for n, t in m.state_dict().items()} for m in (student.model, fit))
        return states[key]

    data = sets["augmented" if augmented else "rows"]
    state = None
    if general:
        paced = (steps_of(sets["text"], LAYERS["epochs"]), LAYERS["lr"])
        state = stage((seed, "general"), None, sets["text"], layered([]), seed, *paced)
    if len(drop) < 2:
        paced = (steps_of(sets["augmented"], LAYERS["epochs"]), LAYERS["lr"])
        state = stage((seed, general, augmented, *drop), state, data, layered(drop), seed, *paced)
    student, fit = start(state)
    paced = (steps_of(sets["augmented"], PREDICTION["epochs"]), PREDICTION["lr"])
    fitted(student, fit, data, labelled if labels else predicted, seed, *paced, best_of=sets["dev"])
    return student


path = os.path.join(OUT, "torch.jsonl")
done = [json.loads(line) for line in open(path, encoding="utf8")] if os.path.exists(path) else []
for seed in range(1, SEEDS + 1):
    for name, variant in VARIANTS.items():
        if any(line["name"] == name and line["seed"] == seed for line in done):
            continue
        began = time.time()
        student = trained(seed, **variant)
        of = {which: right(student, sets[which]) for which in ("dev", "test")}
        line = dict(name=name, seed=seed, **{which: x.float().mean().item() for which, x in of.items()})
        done.append(line | dict(right="".join(str(int(x)) for x in of["test"])))
        with open(path, "a", encoding="utf8") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(json.dumps(line | dict(seconds=round(time.time() - began))), flush=True)
    states.clear()
