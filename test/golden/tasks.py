"""Writes tasks/: two small classifiers, and what Python's pipeline answers under each config.json a head may have.

usage: pip install torch==2.15.0 transformers==5.24.0 safetensors; python3 tasks.py

tasks/{one,three}.safetensors: weights of heads of 1 and 3 labels; vocab.txt; cases.json: {texts, cases: [{name, weights,
config, scores}]}, scores [texts][labels] in the order of the labels. `by` is 'pipeline', or where sentence-transformers
goes by a field of its own that the pipeline does not read, that function of the logits.
"""
import json
import os
import shutil
import tempfile

import torch
from transformers import BertConfig, BertForSequenceClassification, logging, pipeline

logging.set_verbosity_error()
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tasks")
words = "the a movie film is was good bad great terrible fine dull hate , . ! ?".split()
vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words
texts = ["the movie is great", "a bad film", "hate hate hate !", "the"]
ST = "torch.nn.modules.activation.Sigmoid"
IDENTITY = "torch.nn.modules.linear.Identity"
names = ["toxic", "obscene", "insult"]
named = {"id2label": dict(enumerate(names)), "label2id": {n: i for i, n in enumerate(names)}}
cases = [
    ("single", "three", named, "pipeline"),
    ("multi", "three", {**named, "problem_type": "multi_label_classification"}, "pipeline"),
    ("numbers", "three", {**named, "problem_type": "regression"}, "pipeline"),
    ("three-sigmoid", "three", {**named, "sbert_ce_default_activation_function": ST}, "sigmoid"),
    ("three-identity", "three", {**named, "sbert_ce_default_activation_function": IDENTITY}, "pipeline"),
    ("one", "one", {}, "pipeline"),
    ("one-multi", "one", {"problem_type": "multi_label_classification"}, "pipeline"),
    ("one-number", "one", {"problem_type": "regression"}, "pipeline"),
    ("cross-encoder", "one", {"sbert_ce_default_activation_function": ST}, "pipeline"),
    ("cross-encoder-new", "one", {"sentence_transformers": {"activation_fn": ST, "version": "5.1.0"}}, "pipeline"),
    ("cross-encoder-identity", "one", {"sentence_transformers": {"activation_fn": IDENTITY, "version": "5.1.0"}}, "none"),
]


def make(folder, labels):
    torch.manual_seed(labels)
    size = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=12)
    config = BertConfig(vocab_size=len(vocab), initializer_range=0.8, num_labels=labels, **size)
    BertForSequenceClassification(config).save_pretrained(folder)
    with open(os.path.join(folder, "vocab.txt"), "w") as f:
        f.write("\n".join(vocab) + "\n")
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump({"do_lower_case": True, "tokenizer_class": "BertTokenizer"}, f)
    with open(os.path.join(folder, "config.json")) as f:
        return json.load(f)


os.makedirs(here, exist_ok=True)
out = []
with tempfile.TemporaryDirectory() as top:
    bases = {}
    for name, labels in [("one", 1), ("three", 3)]:
        bases[name] = make(os.path.join(top, name), labels)
        shutil.copy(os.path.join(top, name, "model.safetensors"), os.path.join(here, name + ".safetensors"))
    shutil.copy(os.path.join(top, "one", "vocab.txt"), here)
    for name, weights, more, by in cases:
        folder = os.path.join(top, weights)
        config = {**bases[weights], **more}
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(config, f)
        pipe = pipeline("text-classification", folder, top_k=None, **({} if by == "pipeline" else {"function_to_apply": by}))
        order = pipe.model.config.id2label
        scores = []
        for answer in pipe(texts):
            found = {a["label"]: a["score"] for a in answer}
            scores.append([found[order[i]] for i in range(len(order))])
        out.append({"name": name, "weights": weights, "config": config, "by": by, "scores": scores})
with open(os.path.join(here, "cases.json"), "w") as f:
    json.dump({"texts": texts, "cases": out}, f)
