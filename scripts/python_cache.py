"""The Python half of python-cache.mjs.

usage: python3 python_cache.py teacher DIR      a tiny random BERT with a tokenizer, as transformers saves them
       python3 python_cache.py read FOLDER      rows of (text, text_b) as JSON on standard input; prints keys, logits, states
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import numpy as np
import tinystill_cache as tc


def teacher(folder):
    import torch
    import transformers as tr

    torch.manual_seed(3)
    words = "a the film story cast plot scene fine great dull awful is was with and of large small grey red fruit animal".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *"abcdefghijklmnopqrstuvwxyz.,!'\"", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    os.makedirs(folder)
    with open(f"{folder}/vocab.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(vocabulary) + "\n")
    tokenizer = tr.BertTokenizerFast(vocab=f"{folder}/vocab.txt")
    config = tr.BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, initializer_range=0.4, id2label={0: "bad", 1: "good", 2: "so so"}, label2id={"bad": 0, "good": 1, "so so": 2},
    )
    tr.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def read(folder):
    rows = json.load(sys.stdin)
    cache = tc.Cache(folder)
    places = cache.places(rows)
    layers = cache.manifest["settings"]["layers"]
    json.dump(
        {
            "keys": tc.keys_of(rows).tolist(),
            "logits": cache.logits(places).tolist(),
            "hidden": {layer: [np.asarray(own, np.float64).ravel().tolist() for own in cache.hidden(layer, places)] for layer in layers},
        },
        sys.stdout,
    )


{"teacher": teacher, "read": read}[sys.argv[1]](sys.argv[2])
