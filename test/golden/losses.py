"""Writes losses/golden.safetensors: small random inputs of every loss, and what PyTorch makes of them in float64.

usage: pip install torch==2.15.0 safetensors; python3 losses.py

<case>.in.<name>: inputs; <case>.loss; <case>.grad.<name> for what learns. Padding is filled with numbers, not zeros, and
each text is cut to its length by hand, so that a mask that is wrong anywhere shows.
"""
import math
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
golden = {}
LENGTHS = [5, 2, 3]
B, T = len(LENGTHS), 5
mask = (torch.arange(T) < torch.tensor(LENGTHS)[:, None]).int()
real = mask.bool()


def case(name, loss, learn, **held):
    """learn: inputs that are differentiated."""
    learn = {k: v.clone().requires_grad_() for k, v in learn.items()}
    value = loss(**learn, **held)
    grads = torch.autograd.grad(value, list(learn.values()))
    for k, v in {**learn, **held}.items():
        golden[f"{name}.in.{k}"] = v.detach().to(torch.int32) if not v.is_floating_point() else v.detach()
    golden[f"{name}.loss"] = value.detach().reshape(1)
    golden.update({f"{name}.grad.{k}": g for k, g in zip(learn, grads)})


def soft(student, teacher, T, reduction="batchmean", form="kl", squared=True):
    target, logp = F.softmax(teacher / T, -1), F.log_softmax(student / T, -1)
    if form == "ce":
        value = F.cross_entropy(student / T, target, reduction="sum")
    else:
        value = F.kl_div(logp, target, reduction="sum")
    n, c = student.shape
    value = value / {"batchmean": n, "mean-elements": n * c, "sum-rows": 1}[reduction]
    return value * T * T if squared else value


z = lambda *shape: 2 * torch.randn(*shape)
case("soft-target.kl", lambda student, teacher: soft(student, teacher, 3), {"student": z(4, 5)}, teacher=z(4, 5))
case("soft-target.kl.plain-T", lambda student, teacher: soft(student, teacher, 3, squared=False), {"student": z(4, 5)}, teacher=z(4, 5))
case("soft-target.ce", lambda student, teacher: soft(student, teacher, 2, form="ce"), {"student": z(4, 5)}, teacher=z(4, 5))


def tinybert_soft(student, teacher):
    return (-F.softmax(teacher, -1) * F.log_softmax(student, -1)).mean()


case("soft-target.tinybert-code", tinybert_soft, {"student": z(3, 4)}, teacher=z(3, 4))
case("soft-target.sum-rows", lambda student, teacher: soft(student, teacher, 1.5, "sum-rows"), {"student": z(3, 4)}, teacher=z(3, 4))
case(
    "soft-target.masked",
    lambda student, teacher, mask: soft(student[mask.bool()], teacher[mask.bool()], 2),
    {"student": z(B, T, 4)},
    teacher=z(B, T, 4),
    mask=mask,
)


def standardized(student, teacher, unbiased):
    def score(x):
        return (x - x.mean(-1, keepdim=True)) / (1e-7 + x.std(-1, keepdim=True, unbiased=unbiased))

    return soft(score(student), score(teacher), 2)


case("standardized.paper", lambda student, teacher: standardized(student, teacher, False), {"student": z(4, 5)}, teacher=3 * z(4, 5))
case("standardized.code", lambda student, teacher: standardized(student, teacher, True), {"student": z(4, 5)}, teacher=3 * z(4, 5))

labels = torch.tensor([1, 0, 3, 2])
case(
    "kd",
    lambda student, teacher, labels: 0.7 * soft(student, teacher, 4) + 0.3 * F.cross_entropy(student, labels),
    {"student": z(4, 4)},
    teacher=z(4, 4),
    labels=labels,
)


def annealed(student, teacher, labels):
    """Teacher annealing three quarters through: the targets are mixed."""
    return F.cross_entropy(student, 0.75 * F.one_hot(labels, 4) + 0.25 * F.softmax(teacher, -1))


case("kd.annealed", annealed, {"student": z(4, 4)}, teacher=z(4, 4), labels=labels)
case("hard-target.classes", lambda student, labels: F.cross_entropy(student, labels), {"student": z(4, 3)}, labels=torch.tensor([2, 0, -100, 1]))
case("hard-target.numbers", lambda student, targets: F.mse_loss(student.view(-1), targets), {"student": z(4, 1)}, targets=z(4))
words = torch.where(torch.rand(B, T) < 0.4, torch.randint(0, 6, (B, T)), -100)
case("masked-words", lambda student, labels: F.cross_entropy(student.view(-1, 6), labels.view(-1)), {"student": z(B, T, 6)}, labels=words)

S, C = 3, 4  # widths of student and teacher
h = lambda width: torch.randn(B, T, width)
w = lambda: torch.randn(C, S) / 2


def hidden(pairs, place, bias):
    def loss(**t):
        total = 0
        for s, k in pairs:
            x = t[f"student{s}"] @ t[f"weight{place(s)}"].T
            if bias:
                x = x + t[f"bias{place(s)}"]
            y = t[f"teacher{k}"]
            if "mask" in t:
                x, y = x[t["mask"].bool()], y[t["mask"].bool()]
            total = total + F.mse_loss(x, y)
        return total

    return loss


students = lambda n: {f"student{i}": h(S) for i in range(n)}
teachers = lambda n: {f"teacher{i}": h(C) for i in range(n)}
case("hidden.shared", hidden([(0, 0), (1, 2)], lambda s: 0, True), {**students(2), "weight0": w(), "bias0": torch.randn(C)}, **teachers(3))
case("hidden.each", hidden([(1, 0), (0, 1)], lambda s: s, False), {**students(2), "weight0": w(), "weight1": w()}, **teachers(2))
case("hidden.apart", hidden([(0, 0), (1, 1), (2, 2)], lambda s: min(s, 1), False), {**students(3), "weight0": w(), "weight1": w()}, **teachers(3))
case("hidden.masked", hidden([(0, 0), (1, 1)], lambda s: 0, True), {**students(2), "weight0": w(), "bias0": torch.randn(C)}, **teachers(2), mask=mask)
case("hidden.plain", lambda student, teacher: F.mse_loss(student, teacher), {"student": h(C)}, teacher=h(C))
case(
    "embedding",
    lambda student, weight0, teacher, mask: F.mse_loss((student @ weight0.T)[mask.bool()], teacher[mask.bool()]),
    {"student": h(S), "weight0": w()},
    teacher=h(C),
    mask=mask,
)

H = 2
scores = lambda: torch.randn(B, H, T, T) + (1 - mask[:, None, None, :]) * -10000.0


def tinybert_attention(student0, student1, teacher0, teacher1, teacher2):
    total = 0
    for s, t in [(student0, teacher1), (student1, teacher2)]:
        s = torch.where(s <= -1e2, torch.zeros_like(s), s)
        t = torch.where(t <= -1e2, torch.zeros_like(t), t)
        total = total + F.mse_loss(s, t)
    return total


def cropped_attention(student0, student1, teacher0, teacher1, teacher2, mask):
    total = 0
    for s, t in [(student0, teacher1), (student1, teacher2)]:
        d = torch.cat([(s[b, :, :n, :n] - t[b, :, :n, :n]).flatten() for b, n in enumerate(LENGTHS)])
        total = total + (d**2).mean()
    return total


attention = lambda: ({"student0": scores(), "student1": scores()}, {f"teacher{i}": scores() for i in range(3)})
learn, held = attention()
case("attention.tinybert-code", tinybert_attention, learn, **held)
learn, held = attention()
case("attention.masked", cropped_attention, learn, **held, mask=mask)


def kl_rows(student, teacher):
    """Probabilities [..., n] -> one divergence a row."""
    return (teacher * (teacher.log() - student.log())).sum(-1)


def probs(examples):
    """From scores on: a step of a difference formula leads small probabilities below 0."""

    def loss(student, teacher, mask):
        student, teacher = F.softmax(student, -1), F.softmax(teacher, -1)
        texts = [kl_rows(student[b, :, :n, :n], teacher[b, :, :n, :n]) for b, n in enumerate(LENGTHS)]
        return torch.stack([t.mean() for t in texts]).mean() if examples else torch.cat([t.flatten() for t in texts]).mean()

    return loss


case("attention-probs.positions", probs(False), {"student": scores()}, teacher=scores(), mask=mask)
case("attention-probs.examples", probs(True), {"student": scores()}, teacher=scores(), mask=mask)
full = lambda: torch.randn(B, H, T, T)
case(
    "attention-probs.unpadded",
    lambda student, teacher: kl_rows(F.softmax(student, -1), F.softmax(teacher, -1)).mean(),
    {"student": full()},
    teacher=full(),
)

ones = lambda n: torch.ones(n)
case(
    "cosine.masked",
    lambda student, teacher, mask: F.cosine_embedding_loss(student[mask.bool()], teacher[mask.bool()], ones(int(mask.sum()))),
    {"student": h(C)},
    teacher=h(C),
    mask=mask,
)
case("cosine.rows", lambda student, teacher: F.cosine_embedding_loss(student, teacher, ones(4)), {"student": z(4, 3)}, teacher=z(4, 3))


def related(x, n, heads):
    """One text: x [H, T, D], n real words -> log relations [heads, n, n]."""
    x = x[:, :n].transpose(0, 1).reshape(n, -1)
    x = x.reshape(n, heads, -1).transpose(0, 1)
    return F.log_softmax(x @ x.transpose(1, 2) / math.sqrt(x.shape[2]), -1)


def relation(names, heads, lengths, weights=None, examples=True):
    def loss(**t):
        texts, rows = [], 0
        for b, n in enumerate(lengths):
            total = 0
            for i, name in enumerate(names):
                s, k = related(t[f"student{name}"][b], n, heads), related(t[f"teacher{name}"][b], n, heads)
                total = total + (weights[i] if weights else 1) * F.kl_div(s, k, log_target=True, reduction="sum")
            texts.append(total / (heads * n) if examples else total)
            rows += heads * n
        return torch.stack(texts).mean() if examples else torch.stack(texts).sum() / rows

    return loss


qkv = lambda who, heads, width: {f"{who}{x}": torch.randn(B, heads, T, width) for x in "QKV"}
case("relation.v2", relation("QKV", 4, LENGTHS), qkv("student", 2, 4), **qkv("teacher", 3, 4), mask=mask)
learn = qkv("student", 2, 2)
learn.pop("studentK")
key = {"studentK": torch.randn(B, 2, T, 2)}
case("relation.weights", relation("QV", 2, LENGTHS, [0.5, 2]), learn, **key, **qkv("teacher", 3, 2), mask=mask)
case("relation.unpadded", relation("QKV", 6, [T] * B), qkv("student", 2, 3), **qkv("teacher", 3, 4))


def values(examples):
    def loss(student, teacher, mask):
        texts = []
        for b, n in enumerate(LENGTHS):
            s, t = (x[b, :, :n] @ x[b, :, :n].transpose(1, 2) / math.sqrt(x.shape[3]) for x in (student, teacher))
            texts.append(kl_rows(F.softmax(s, -1), F.softmax(t, -1)))
        return torch.stack([t.mean() for t in texts]).mean() if examples else torch.cat([t.flatten() for t in texts]).mean()

    return loss


v = lambda width: torch.randn(B, H, T, width)
case("value-relation.examples", values(True), {"student": v(3)}, teacher=v(4), mask=mask)
case("value-relation.positions", values(False), {"student": v(3)}, teacher=v(4), mask=mask)


def patient(reduction):
    def loss(student0, student1, teacher0, teacher1, teacher2):
        s = F.normalize(torch.stack([student0[:, 0], student1[:, 0]], 1), p=2, dim=2)
        t = F.normalize(torch.stack([teacher2[:, 0], teacher1[:, 0]], 1), p=2, dim=2)
        if reduction == "code":
            return F.mse_loss(s, t)
        return F.mse_loss(s, t, reduction="sum") / (B if reduction == "batchmean" else 1)

    return loss


for reduction in ("code", "paper", "batchmean"):
    case(f"patient.{reduction}", patient(reduction), {"student0": h(C), "student1": h(C)}, **teachers(3))


def distances(e):
    square = e.pow(2).sum(1)
    d = (square[:, None] + square[None] - 2 * e @ e.T).clamp(min=1e-12).sqrt()
    d = d * (1 - torch.eye(len(e)))
    return d / d[d > 0].mean()


def angles(e):
    unit = F.normalize(e[None] - e[:, None], p=2, dim=2)
    return torch.bmm(unit, unit.transpose(1, 2)).view(-1)


def outlier(at, width):
    x = z(4, width)
    x[at] += 20
    return x


# Another example lies far out in the teacher than in the student: some differences are above 1, where the loss is linear.
for name, relate in (("distance", distances), ("angle", angles)):
    inputs = {"student": outlier(3, 3)}, outlier(0, 2)
    assert (relate(inputs[0]["student"]) - relate(inputs[1])).abs().max() > 1.1
    case(f"relational.{name}", lambda student, teacher: F.smooth_l1_loss(relate(student), relate(teacher)), inputs[0], teacher=inputs[1])

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "losses")
os.makedirs(folder, exist_ok=True)
def soft_sets(student, teacher, T, reduction="batchmean", form="kl", squared=True):
    """Each class a distribution of two, [z, 0]: written out, so that no sigmoid stands on both sides."""
    pairs = lambda logits: torch.stack([logits, torch.zeros_like(logits)], -1).reshape(-1, 2)
    return soft(pairs(student), pairs(teacher), T, reduction, form, squared)


case("soft-sets.kl", lambda student, teacher: soft_sets(student, teacher, 3), {"student": z(4, 5)}, teacher=z(4, 5))
case("soft-sets.ce", lambda student, teacher: 4 * F.binary_cross_entropy_with_logits(student / 2, (teacher / 2).sigmoid()), {"student": z(4, 5)}, teacher=z(4, 5))
case("soft-sets.plain-T", lambda student, teacher: F.binary_cross_entropy_with_logits(student / 2, (teacher / 2).sigmoid()), {"student": z(3, 4)}, teacher=z(3, 4))
case("soft-sets.sum", lambda student, teacher: soft_sets(student, teacher, 1.5, "sum-rows"), {"student": z(3, 4)}, teacher=z(3, 4))
case("hard-sets", lambda student, targets: F.binary_cross_entropy_with_logits(student, targets), {"student": 10 * z(4, 5)}, targets=torch.rand(4, 5).round())
case("hard-sets.smoothed", lambda student, targets: F.binary_cross_entropy_with_logits(student, 0.9 * targets + 0.05), {"student": z(4, 5)}, targets=torch.rand(4, 5).round())


# Embeddings, one vector a text.
e = lambda n=5, width=6: torch.randn(n, width)
case("vectorDistance", lambda student, teacher: (student - teacher).norm(dim=1).mean(), {"student": e()}, teacher=e())


def similarities(x, y=None):
    return F.normalize(x, dim=1) @ F.normalize(x if y is None else y, dim=1).T


def ranking(scale):
    return lambda student0, student1: F.cross_entropy(scale * similarities(student0, student1), torch.arange(len(student0)))


case("similarity", lambda student, teacher: F.mse_loss(similarities(student), similarities(teacher)), {"student": e()}, teacher=e(5, 4))
case("multipleNegatives", ranking(20), {"student0": e(), "student1": e()})
case("multipleNegatives.more", ranking(5), {"student0": e(3), "student1": e(5)})
case(
    "pairCosine",
    lambda student0, student1, scores: F.mse_loss(F.cosine_similarity(student0, student1), scores),
    {"student0": e(), "student1": e()},
    scores=torch.rand(5),
)
case(
    "marginMse",
    lambda student0, student1, student2, teacherPositive, teacherNegative: F.mse_loss(
        (student0 * student1).sum(1) - (student0 * student2).sum(1), teacherPositive - teacherNegative
    ),
    {"student0": e(), "student1": e(), "student2": e()},
    teacherPositive=torch.randn(5),
    teacherNegative=torch.randn(5),
)
case(
    "triplet",
    lambda student0, student1, student2: F.triplet_margin_loss(student0, student1, student2, margin=2),
    {"student0": e(), "student1": e(), "student2": e()},
)
case(
    "matryoshka",
    lambda student0, student1: sum(ranking(20)(student0[:, :k], student1[:, :k]) for k in (6, 3, 2)),
    {"student0": e(), "student1": e()},
)


def features(mean=0, variance=0, lengths=[T] * B):
    def loss(student0, student1, teacher0, teacher1, teacher2, mask=None):
        total = 0
        for s, t in ((student0, teacher2), (student1, teacher1)):
            s, t = (torch.cat([x[b, :n] for b, n in enumerate(lengths)]) for x in (s, t))
            s_mean, t_mean, s_var, t_var = s.mean(-1), t.mean(-1), s.var(-1, unbiased=False), t.var(-1, unbiased=False)
            total = total + F.mse_loss(F.layer_norm(s, (C,), eps=1e-12), F.layer_norm(t, (C,), eps=1e-12))
            total = total + mean * ((s_mean - t_mean) ** 2).mean() + variance * (s_var - t_var).abs().mean()
        return total / 2

    return loss


case("features.plain", features(), {"student0": h(C), "student1": h(C)}, **teachers(3))
case("features.masked", features(50, 0.05, LENGTHS), {"student0": h(C), "student1": h(C)}, **teachers(3), mask=mask)



def softmax_twice(student, teacher):
    """CrossEntropyLoss with probabilities for logits: a mistake, see softmax-twice.ts."""
    return 9 * torch.nn.CrossEntropyLoss()(torch.softmax(student / 3, 1), torch.softmax(teacher / 3, 1))


case(
    "seed-code",
    lambda student, teacher, labels: 0.5 * F.cross_entropy(student, labels) + 0.5 * softmax_twice(student, teacher),
    {"student": z(4, 5)},
    teacher=z(4, 5),
    labels=torch.tensor([1, 0, 4, 2]),
)
case("seed-code.soft", softmax_twice, {"student": z(4, 5)}, teacher=z(4, 5))

save_file({k: v.clone().contiguous() for k, v in golden.items()}, f"{folder}/golden.safetensors")
