"""Writes recipes/golden.safetensors: 20 steps of stages of seven recipes as official code computes them, in PyTorch.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 recipes.py

tiny.*: TinyBERT's intermediate stage, teacher of 4 layers and student of 2, one projection with a bias for all states, padding
counted, BertAdam without bias correction, each gradient clipped to norm 1, a constant rate 2e-3. distil.*: DistilBERT's three
losses with weights 5, 2, 1 and T 2; the student is made of layers 0 and 3 of the teacher; AdamW, betas .9 and .98, eps 1e-6, no
weight decay, linear with 1 of 20 steps of warm-up to 5e-3, gradient norm 5. Two batches of 4 texts, 10 times. padded.*: tiny
with the first 4 words of each text, still padded to 9.

From tiny's first weights, on tiny's teacher: predict.*, tinybert-code's prediction, CE at T 1 as the mean over all elements,
BertAdam at 1e-3, linear with 2 steps of warm-up; minilm.* (version 1, as its paper: there is no code), attention and values of the
last layer; minilm2.*, relations of q, k, v in 6 heads, each text cropped, as bloomberg/minilmv2.bb; anneal.*, BAM's targets, which
go from the teacher's to the labels. These three: AdamW, weight decay 0.01 but for biases and norms, linear, gradient norm 1.
bilstm.*: loss and optimizer of castorini/d-bert, MSE of logits and CE of labels, Adadelta at 1 with rho 0.95.

<run>.teacher.<parameter>, tiny.student.<parameter>, tiny.fit.weight, tiny.fit.bias: weights at the start. ids, mask [8, 9];
labels [8]; distil.ids, distil.covered [20, 4, 9]: masked ids and what stood there, -100 elsewhere. <run>.losses, and
<run>.<term> [20].
"""
import math
import os

import torch
import torch.nn.functional as F
import transformers as tr
from safetensors.torch import save_file

torch.manual_seed(3)
torch.set_num_threads(1)
VOCAB, T, STEPS, MASK = 31, 9, 20, 4
golden = {}
size = dict(vocab_size=VOCAB, max_position_embeddings=T, attn_implementation="eager")
lengths = torch.tensor([9, 5, 7, 2, 3, 9, 6, 4])
mask = (torch.arange(T) < lengths[:, None]).int()
ids = torch.randint(5, VOCAB, (8, T)).int() * mask
golden |= {"ids": ids, "mask": mask}


def bert(layers, width):
    return tr.BertConfig(
        **size, hidden_size=width, num_hidden_layers=layers, num_attention_heads=3, intermediate_size=width + 8,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )


def drawn(name, model):
    with torch.no_grad():  # larger than BERT's 0.02, and no bias of 0: every term must show
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.2 + (p if p.dim() == 1 else 0))
    golden.update({f"{name}.{k}": p.detach().clone() for k, p in model.named_parameters()})
    return model


def batch(step):
    return slice(0, 4) if step % 2 == 0 else slice(4, 8)


def record(run, rows):
    golden.update({f"{run}.{name}": torch.tensor([row[name] for row in rows]) for name in rows[0]})


# TinyBERT: task_distill.py, modeling.py, optimization.py


def outputs(model, at, ids=ids, mask=mask):
    """Hidden states, and raw attention scores with -10000 where a key is padding."""
    heads, seen = 3, []
    hooks = []
    for layer in model.bert.encoder.layer:
        for part in (layer.attention.self.query, layer.attention.self.key):
            hooks.append(part.register_forward_hook(lambda _, __, out: seen.append(out)))
    out = model(input_ids=ids[at], attention_mask=mask[at], output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    split = lambda x: x.view(*x.shape[:2], heads, -1).transpose(1, 2)
    added = (1.0 - mask[at].float())[:, None, None, :] * -10000.0
    scores = []
    for q, k in zip(seen[::2], seen[1::2]):
        q, k = split(q), split(k)
        scores.append(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + added)
    return out.hidden_states, scores


class BertAdam:
    def __init__(self, named, lr):
        self.params = [(n, p) for n, p in named]
        self.lr, self.state = lr, {}

    @torch.no_grad()
    def step(self, factor=1.0):
        for name, p in self.params:
            if p.grad is None:
                continue
            torch.nn.utils.clip_grad_norm_(p, 1.0)
            m, v = self.state.setdefault(name, (torch.zeros_like(p), torch.zeros_like(p)))
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            update = m / (v.sqrt() + 1e-6)
            if not ("bias" in name or "LayerNorm" in name):
                update += 0.01 * p
            p -= self.lr * factor * update
            p.grad = None


def intermediate(run, teacher, student, fit, *texts):
    optimizer = BertAdam([*student.named_parameters(), *((f"fit.{n}", p) for n, p in fit.named_parameters())], 2e-3)
    rows = []
    for step in range(STEPS):
        with torch.no_grad():
            t_hidden, t_scores = outputs(teacher, batch(step), *texts)
        s_hidden, s_scores = outputs(student, batch(step), *texts)
        shown = lambda x: torch.where(x <= -1e2, torch.zeros_like(x), x)
        attention = sum(F.mse_loss(shown(s), shown(t)) for s, t in zip(s_scores, (t_scores[1], t_scores[3])))
        hidden = sum(F.mse_loss(fit(s), t) for s, t in zip(s_hidden, (t_hidden[0], t_hidden[2], t_hidden[4])))
        loss = attention + hidden
        loss.backward()
        optimizer.step()
        rows.append({"losses": loss.item(), "attention": attention.item(), "hidden": hidden.item()})
    record(run, rows)


teacher = drawn("tiny.teacher", tr.BertForSequenceClassification(bert(4, 12))).eval()
student = drawn("tiny.student", tr.BertForSequenceClassification(bert(2, 6)))
fit = drawn("tiny.fit", torch.nn.Linear(6, 12))
intermediate("tiny", teacher, student, fit)

# DistilBERT: scripts/extract_distilbert.py, distiller.py

teacher = drawn("distil.teacher", tr.BertForMaskedLM(bert(4, 12))).eval()
student = tr.DistilBertForMaskedLM(
    tr.DistilBertConfig(**size, dim=12, n_layers=2, n_heads=3, hidden_dim=20, dropout=0.0, attention_dropout=0.0)
)
old, own = teacher.state_dict(), student.state_dict()
for part in ("word_embeddings.weight", "position_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias"):
    own[f"distilbert.embeddings.{part}"] = old[f"bert.embeddings.{part}"]
parts = {
    "attention.self.query": "attention.q_lin", "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin", "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm", "intermediate.dense": "ffn.lin1", "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}
for i, layer in enumerate((0, 3)):
    for theirs, ours in parts.items():
        for leaf in ("weight", "bias"):
            own[f"distilbert.transformer.layer.{i}.{ours}.{leaf}"] = old[f"bert.encoder.layer.{layer}.{theirs}.{leaf}"]
for theirs, ours in {"transform.dense": "vocab_transform", "transform.LayerNorm": "vocab_layer_norm", "decoder": "vocab_projector"}.items():
    for leaf in ("weight", "bias"):
        own[f"{ours}.{leaf}"] = old[f"cls.predictions.{theirs}.{leaf}"]
student.load_state_dict({k: v.clone() for k, v in own.items()})
optimizer = torch.optim.AdamW(student.parameters(), lr=5e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0)
schedule = tr.get_linear_schedule_with_warmup(optimizer, 1, STEPS)
rows, all_ids, all_words = [], [], []
for step in range(STEPS):
    at = batch(step)
    real = mask[at].bool()
    chosen = (torch.rand(4, T) < 0.3) & real
    chosen[0, step % 3] = True
    words = torch.where(chosen, ids[at], -100)
    masked = torch.where(chosen, MASK, ids[at])
    all_ids.append(masked)
    all_words.append(words)
    with torch.no_grad():
        t = teacher(input_ids=masked, attention_mask=mask[at], output_hidden_states=True)
    s = student(input_ids=masked, attention_mask=mask[at], output_hidden_states=True)
    soft = F.kl_div(F.log_softmax(s.logits[real] / 2, -1), F.softmax(t.logits[real] / 2, -1), reduction="batchmean") * 4
    guessed = F.cross_entropy(s.logits.view(-1, VOCAB), words.view(-1).long(), ignore_index=-100)
    hs, ht = s.hidden_states[-1][real], t.hidden_states[-1][real]
    cosine = F.cosine_embedding_loss(hs, ht, torch.ones(len(hs)), reduction="mean")
    loss = 5 * soft + 2 * guessed + cosine
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
    optimizer.step()
    schedule.step()
    rows.append({"losses": loss.item(), "soft": soft.item(), "words": guessed.item(), "cosine": cosine.item()})
record("distil", rows)
golden |= {"distil.ids": torch.stack(all_ids).int(), "distil.covered": torch.stack(all_words).int()}

# The other stages, each from the first weights of TinyBERT's student


def linear(step, warmup):
    return step / warmup if step < warmup else (STEPS - step) / (STEPS - warmup)


def restored(model, name):
    model.load_state_dict({k: golden[f"{name}.{k}"].clone() for k in model.state_dict()})
    return model


teacher = restored(tr.BertForSequenceClassification(bert(4, 12)), "tiny.teacher").eval()
labels = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
golden |= {"labels": labels.int()}


def forward(model, at):
    return model(input_ids=ids[at], attention_mask=mask[at], output_attentions=True)


def last_qkv(model, at):
    """Queries, keys and values [4, 9, width] of the last layer, and what forward gives."""
    part, seen = model.bert.encoder.layer[-1].attention.self, []
    hooks = [p.register_forward_hook(lambda _, __, out: seen.append(out)) for p in (part.query, part.key, part.value)]
    out = forward(model, at)
    for hook in hooks:
        hook.remove()
    return seen, out


def relation(x, n, heads):
    """log softmax(X X^T / sqrt(d)) of one text's n words in relation heads."""
    x = x[:n].view(n, heads, -1).transpose(0, 1)
    return torch.log_softmax(x @ x.transpose(-1, -2) / math.sqrt(x.shape[-1]), -1)


def divergence(t, s, n, heads):
    return F.kl_div(s, t, reduction="sum", log_target=True) / (heads * n)


def prediction(student, at, step):
    t, s = forward(teacher, at).logits.detach(), forward(student, at).logits
    soft = (-F.softmax(t, -1) * F.log_softmax(s, -1)).mean()
    return soft, {"soft": soft}


def anneal(student, at, step):
    p = step / STEPS
    t, s = forward(teacher, at).logits.detach(), forward(student, at).logits
    target = p * F.one_hot(labels[at], 2) + (1 - p) * F.softmax(t, -1)
    loss = -(target * F.log_softmax(s, -1)).sum(-1).mean()
    return loss, {"annealed": loss}


def by_logits(student, at, step):
    t, s = forward(teacher, at).logits.detach(), forward(student, at).logits
    mse, ce = F.mse_loss(s, t), F.cross_entropy(s, labels[at])
    return mse + ce, {"logits": mse, "hard": ce}


def minilm(student, at, step):
    with torch.no_grad():
        t_qkv, t = last_qkv(teacher, at)
    s_qkv, s = last_qkv(student, at)
    attention, values = [], []
    for b, n in enumerate(lengths[at].tolist()):
        a, c = t.attentions[-1][b, :, :n, :n], s.attentions[-1][b, :, :n, :n]
        attention.append(divergence(a.log(), c.log(), n, 3))
        values.append(divergence(relation(t_qkv[2][b], n, 3), relation(s_qkv[2][b], n, 3), n, 3))
    attention, values = torch.stack(attention).mean(), torch.stack(values).mean()
    return attention + values, {"attentionProbs": attention, "relation": values}


def minilm2(student, at, step):
    with torch.no_grad():
        t_qkv, _ = last_qkv(teacher, at)
    s_qkv, _ = last_qkv(student, at)
    each = [
        sum(divergence(relation(t[b], n, 6), relation(s[b], n, 6), n, 6) for t, s in zip(t_qkv, s_qkv))
        for b, n in enumerate(lengths[at].tolist())
    ]
    loss = torch.stack(each).mean()
    return loss, {"relation": loss}


def adamw(student, eps):
    plain = lambda n: n.endswith("bias") or "LayerNorm" in n
    groups = [
        {"params": [p for n, p in student.named_parameters() if plain(n) == bare], "weight_decay": 0.0 if bare else 0.01}
        for bare in (False, True)
    ]
    return torch.optim.AdamW(groups, lr=3e-3, eps=eps)


# By name: the loss, Adam's eps (None: BertAdam), steps of warm-up.
runs = {
    "predict": (prediction, None, 2), "minilm": (minilm, 1e-8, 0), "minilm2": (minilm2, 1e-6, 0), "anneal": (anneal, 1e-8, 2),
}
for run, (loss_of, eps, warmup) in runs.items():
    student = restored(tr.BertForSequenceClassification(bert(2, 6)), "tiny.student")
    optimizer = BertAdam(student.named_parameters(), 1e-3) if eps is None else adamw(student, eps)
    rows = []
    for step in range(STEPS):
        loss, terms = loss_of(student, batch(step), step)
        loss.backward()
        if eps is None:
            optimizer.step(linear(step, warmup))
        else:
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = 3e-3 * linear(step, warmup)
            optimizer.step()
            optimizer.zero_grad()
        rows.append({"losses": loss.item(), **{name: term.item() for name, term in terms.items()}})
    record(run, rows)

student = restored(tr.BertForSequenceClassification(bert(2, 6)), "tiny.student")
optimizer, rows = torch.optim.Adadelta(student.parameters(), lr=1.0, rho=0.95), []
for step in range(STEPS):
    optimizer.zero_grad()
    loss, terms = by_logits(student, batch(step), step)
    loss.backward()
    optimizer.step()
    rows.append({"losses": loss.item(), **{name: term.item() for name, term in terms.items()}})
record("bilstm", rows)

# The same with texts of at most 4 words, padded to 9 as --max_seq_length 9 would
short = (torch.arange(T) < lengths.clamp(max=4)[:, None]).int()
student, fit = restored(tr.BertForSequenceClassification(bert(2, 6)), "tiny.student"), torch.nn.Linear(6, 12)
intermediate("padded", teacher, student, restored(fit, "tiny.fit"), ids * short, short)

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipes")
os.makedirs(here, exist_ok=True)
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(here, "golden.safetensors"))
for run in ("tiny", "distil", *runs, "bilstm", "padded"):
    print(run, golden[f"{run}.losses"][:3].tolist(), golden[f"{run}.losses"][-1].item())
