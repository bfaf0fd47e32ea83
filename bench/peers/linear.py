"""scikit-learn's TfidfVectorizer and LogisticRegression as the linear line of distill has them, for bench/linear.mjs.

usage: pip install scikit-learn==1.9.1; python3 linear.py DIR
"""
import json
import sys
import time
from pathlib import Path

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression


def read(name):
    lines = Path(sys.argv[1], f"{name}.tsv").read_text(encoding="utf8").split("\n")
    rows = [line.rstrip("\r").split("\t") for line in lines if line.strip("\r") not in ("", "text\tlabel")]
    return [row[0] for row in rows], [row[1] for row in rows]


(texts, labels), dev, test = read("train"), read("dev"), read("test")
began = time.time()
tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
rows = tfidf.fit_transform(texts)
fits = [LogisticRegression(C=C, tol=1e-5, max_iter=1000).fit(rows, labels) for C in (1, 5, 25)]
best = max(fits, key=lambda fit: fit.score(tfidf.transform(dev[0]), dev[1]))
json.dump({
    "version": sklearn.__version__,
    "seconds": time.time() - began,
    "terms": rows.shape[1],
    "C": best.C,
    "accuracy": best.score(tfidf.transform(test[0]), test[1]),
}, sys.stdout)
