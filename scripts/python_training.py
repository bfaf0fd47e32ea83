"""The Python half of python-training.mjs, so that torch is loaded once.

usage: python3 python_training.py train              command lines of train.py as JSON on standard input, one after the other;
                                                     prints [exit status, what it wrote to stderr] of each
       python3 python_training.py answer FOLDER...   texts on standard input; prints the logits of trained folders
"""
import contextlib
import io
import json
import os
import runpy
import sys

import torch
import transformers as tr

# Of each folder's programs the same files.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
tr.utils.logging.set_verbosity_error()
tr.utils.logging.disable_progress_bar()


def train(lines):
    for line in lines:
        sys.argv, told = line, io.StringIO()
        status = 0
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            try:
                runpy.run_path(line[0], run_name="__main__")
            except SystemExit as end:
                status = 1
                print(end.code, file=sys.stderr)
        yield [status, told.getvalue()]


def answer(texts, folders):
    for folder in folders:
        model, info = tr.AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
        assert not info["missing_keys"] and not info["unexpected_keys"], info
        tokenizer = tr.AutoTokenizer.from_pretrained(folder)
        with torch.no_grad():
            inputs = tokenizer(texts, padding=True, truncation=True, max_length=40, return_tensors="pt")
            yield model.eval()(**inputs).logits.tolist()


given = json.load(sys.stdin)
print(json.dumps(list(train(given) if sys.argv[1] == "train" else answer(given, sys.argv[2:]))))
