"""Writes linear.json: scikit-learn's TfidfVectorizer and LogisticRegression on small texts, and on WordNet's definitions.

usage: pip install scikit-learn==1.9.1; node scripts/wordnet-files.mjs DIR 1000; python3 linear.py DIR > linear.json

cases: weights are [terms + 1][outputs], terms in the order given, the bias last. wordnet: accuracy on the first 1,000 test rows.
"""
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

texts = [
    "A warm, warm film: the warmth of it!", "the plot is cold and the cast is cold", "Größe and naïve café talk",
    "a film of a plot of a film", "cast_of 12 in 1999", "don't go; the cast didn't", "", "warm cast, cold plot", "the the the", "naïve film 12 times",
]


def vectorizer(min_df):
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df)


def fit(rows, labels, C, tol=1e-9):
    return LogisticRegression(C=C, tol=tol, max_iter=100_000).fit(rows, labels)


def case(labels, C, min_df):
    tfidf = vectorizer(min_df)
    rows = tfidf.fit_transform(texts)
    model = fit(rows, labels, C)
    return {
        "labels": labels, "C": C, "minDf": min_df,
        "terms": tfidf.get_feature_names_out().tolist(),
        "rows": rows.toarray().tolist(),
        "weights": np.vstack([model.coef_.T, model.intercept_]).tolist(),
    }


def wordnet(name, n):
    lines = Path(sys.argv[1], f"{name}.tsv").read_text(encoding="utf8").strip().split("\n")[1 : n + 1]
    return [line.split("\t")[0] for line in lines], [line.split("\t")[1] for line in lines]


train, test = wordnet("train", 1000), wordnet("test", 1000)
tfidf = vectorizer(2)
model = fit(tfidf.fit_transform(train[0]), train[1], 10, 1e-6)
json.dump({
    "texts": texts,
    "cases": [case([0, 1, 0, 1, 1, 0, 1, 0, 1, 0], 3, 1), case([0, 1, 2, 1, 2, 0, 2, 0, 1, 2], 10, 2)],
    "wordnet": {"terms": len(tfidf.vocabulary_), "accuracy": model.score(tfidf.transform(test[0]), test[1])},
}, sys.stdout)
