"""Writes metrics.json: figures of classifiers and regressions, from scikit-learn and SciPy in float64.

usage: pip install scikit-learn==1.9.1 scipy==1.17.1; python3 metrics.py > metrics.json

classification: {title, classes, logits, labels, accuracy, f1, matthews, loss, ece}; ece by Guo et al. 2017, bins (i/15, (i+1)/15].
regression: {title, predictions, targets, pearson, spearman, mse}. multiLabel: {title, classes, logits, targets, macroF1,
microF1, subsetAccuracy, loss, each}. balanced: {labels, weights}.
"""
import json
import sys

import numpy as np
from scipy.special import log_softmax, softmax
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef, mean_squared_error, precision_recall_fscore_support
from sklearn.utils.class_weight import compute_class_weight

rng = np.random.default_rng(11)


def ece(p, y, bins=15):
    sure, right = p.max(1), p.argmax(1) == y
    total = 0.0
    for i in range(bins):
        inside = (sure > i / bins) & (sure <= (i + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return total


def classification(title, logits, labels):
    z = np.asarray(logits, np.float32).astype(np.float64)
    y = np.asarray(labels)
    p = softmax(z, axis=1)
    loss = -log_softmax(z, axis=1)[np.arange(len(y)), y].mean()
    if p.min() > 1e-15:  # log_loss clips what is smaller
        assert abs(loss - log_loss(y, p, labels=range(z.shape[1]))) < 1e-12
    guess = z.argmax(1)
    return {
        "title": title, "classes": z.shape[1], "logits": z.ravel().tolist(), "labels": y.tolist(),
        "accuracy": accuracy_score(y, guess), "f1": f1_score(y, guess, average="macro"),
        "matthews": matthews_corrcoef(y, guess), "loss": loss, "ece": ece(p, y),
    }


def noisy(n, classes, gain, noise=1.0):
    y = rng.integers(0, classes, n)
    z = rng.standard_normal((n, classes)) * noise
    z[np.arange(n), y] += gain
    return z, y


def regression(title, a, b):
    a, b = np.asarray(a, np.float32).astype(np.float64), np.asarray(b, np.float32).astype(np.float64)
    return {
        "title": title, "predictions": a.tolist(), "targets": b.tolist(), "pearson": pearsonr(a, b).statistic,
        "spearman": spearmanr(a, b).statistic, "mse": mean_squared_error(b, a),
    }


def multi_label(title, logits, targets):
    z, y = np.asarray(logits, np.float32).astype(np.float64), np.asarray(targets)
    guess = (z >= 0).astype(int)
    precision, recall, f1, rows = precision_recall_fscore_support(y, guess, zero_division=0)
    loss = (y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)).mean()
    return {
        "title": title, "classes": z.shape[1], "logits": z.ravel().tolist(), "targets": y.ravel().tolist(),
        "macroF1": f1_score(y, guess, average="macro", zero_division=0), "microF1": f1_score(y, guess, average="micro", zero_division=0),
        "subsetAccuracy": accuracy_score(y, guess), "loss": loss,
        "each": {"precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "rows": rows.tolist()},
    }


def several(n, classes, gain, share):
    y = (rng.random((n, classes)) < share).astype(int)
    return rng.standard_normal((n, classes)) + gain * (2 * y - 1), y


x = rng.standard_normal(60)
skewed = rng.choice(5, 80, p=[0.6, 0.2, 0.1, 0.07, 0.03])
json.dump({
    "classification": [
        classification("two classes", *noisy(120, 2, 1.5)),
        classification("seven classes, often wrong", *noisy(150, 7, 1.0, 2.0)),
        classification("all right, unsure", *noisy(50, 3, 9.0, 0.5)),
        classification("far too sure", *noisy(60, 4, 10.0, 30.0)),
        classification("a class that never occurs and one that is never predicted", np.eye(4)[[0, 0, 1, 2, 2, 1, 0]] * 2, [0, 0, 1, 1, 1, 1, 0]),
        classification("always the same class", np.tile([1.0, 0.0], (9, 1)), [0, 1, 0, 1, 1, 0, 0, 0, 1]),
        classification("ties go to the first", np.zeros((6, 3)), [0, 1, 2, 0, 1, 2]),
    ],
    "regression": [
        regression("close", x + rng.standard_normal(60) * 0.3, x),
        regression("with ties", np.round(x), np.round(x + rng.standard_normal(60))),
        regression("against each other", -x, x**3),
        regression("far from zero", 1e3 + x, 1e3 + x + rng.standard_normal(60) * 0.1),
    ],
    "balanced": {"labels": skewed.tolist(), "weights": compute_class_weight("balanced", classes=np.arange(5), y=skewed).tolist()},
    # Last, so that the draws before are what they were.
    "multiLabel": [
        multi_label("three classes, often right", *several(80, 3, 1.0, 0.4)),
        multi_label("far too sure", *(lambda z, y: (40 * z, y))(*several(40, 5, 0.5, 0.2))),
        multi_label("a class that is never there and one never predicted", [[1, -1, -2], [1, -1, 3], [-1, -1, -1]], [[1, 1, 0], [0, 1, 0], [0, 0, 0]]),
        multi_label("nothing is ever there", -np.ones((4, 3)), np.zeros((4, 3), int)),
        multi_label("a half is yes", np.zeros((4, 2)), [[1, 0], [1, 1], [0, 0], [0, 1]]),
    ],
}, sys.stdout)
