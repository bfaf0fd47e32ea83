"""The Python half of python-text.mjs: tokenizes and classifies with each folder below DIR, and saves it again.

usage: python3 python_text.py DIR, with work.json {texts, pairs, longest, count} and folders 0/saved, 1/saved ... in it; writes
0/back ...; prints a JSON list of {ids, types, logits, labels, tokenizer, keys: missing, unexpected and mismatched ones}.
"""
import json
import os
import sys

import torch
import transformers as tr

torch.set_num_threads(1)
tr.utils.logging.set_verbosity_error()
tr.utils.logging.disable_progress_bar()
root = sys.argv[1]
with open(os.path.join(root, "work.json")) as file:
    work = json.load(file)
texts = work["texts"]
cut = dict(truncation="longest_first", max_length=work["longest"])
report = []
for i in range(work["count"]):
    folder = os.path.join(root, str(i), "saved")
    tokenizer = tr.AutoTokenizer.from_pretrained(folder)
    model, info = tr.AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    model.eval()
    ids, types, logits = [], [], []
    for second in (None, work["pairs"]):
        for options in ({}, cut):
            encoded = tokenizer(texts, second, **options)
            ids += encoded["input_ids"]
            types += encoded.get("token_type_ids", [])
        with torch.no_grad():
            logits += model(**tokenizer(texts, second, padding=True, return_tensors="pt", **cut)).logits.flatten().tolist()
    back = os.path.join(root, str(i), "back")
    model.save_pretrained(back)
    tokenizer.save_pretrained(back)
    keys = [f"{kind} {key}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in info[kind]]
    labels = list(model.config.id2label.values())
    report.append(dict(ids=ids, types=types, logits=logits, labels=labels, keys=keys, tokenizer=type(tokenizer).__name__))
print(json.dumps(report))
