"""The Python half of python-training.mjs: what transformers answers, by trained folders.

usage: python3 python_training.py FOLDER...; texts as JSON on standard input; prints a list of logits for each folder.
"""
import json
import sys

import torch
import transformers as tr

tr.utils.logging.set_verbosity_error()
tr.utils.logging.disable_progress_bar()
texts = json.load(sys.stdin)
out = []
for folder in sys.argv[1:]:
    model, info = tr.AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    tokenizer = tr.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=40, return_tensors="pt")
        out.append(model.eval()(**inputs).logits.tolist())
print(json.dumps(out))
