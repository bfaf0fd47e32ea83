#!/usr/bin/env bash
# The same tokenizer.json, whose template gives the second text of a pair type 1, yields token_type_ids under the class
# BertTokenizer and none under PreTrainedTokenizerFast, the class that transformers itself writes for tokenizers that are not
# quite BERT's: AutoTokenizer then leaves them out without a word, and a BERT pair classifier takes all tokens for the first
# text. The logits are others than those of the model that was saved. "model_input_names" in tokenizer_config.json brings
# them back. Seen with transformers 5.24.0, tokenizers and torch 2.15.0 on Linux x64. Downloads them (some GB) into a
# temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 transformers==5.24.0
cd "$folder"
TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import json
import torch
import transformers
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertTokenizer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
open("vocab.txt", "w").write("\n".join(words) + "\n")
BertTokenizer("vocab.txt").save_pretrained("bert")
torch.manual_seed(0)
config = BertConfig(vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                    intermediate_size=32, max_position_embeddings=32, initializer_range=0.5)
model = BertForSequenceClassification(config).eval()


def see(name, **more):
    fields = json.load(open("bert/tokenizer_config.json"))
    fields.update(more)
    json.dump(fields, open("bert/tokenizer_config.json", "w"))
    config.save_pretrained("bert")
    tokenizer = AutoTokenizer.from_pretrained("bert")
    batch = tokenizer("good film", "bad film", return_tensors="pt")
    with torch.no_grad():
        logits = model(**batch).logits[0].tolist()
    types = batch.get("token_type_ids")
    print(f"{name}: {type(tokenizer).__name__}, types {None if types is None else types[0].tolist()}, logits {[round(x, 4) for x in logits]}")
    return types, logits


print("transformers", transformers.__version__, "torch", torch.__version__)
bert, own = see("class BertTokenizer", tokenizer_class="BertTokenizer")
fast, other = see("class PreTrainedTokenizerFast", tokenizer_class="PreTrainedTokenizerFast")
named, back = see("with model_input_names", model_input_names=["input_ids", "token_type_ids", "attention_mask"])
assert bert is not None and bert[0].tolist()[-1] == 1
assert fast is None and max(abs(a - b) for a, b in zip(own, other)) > 1e-2
assert named is not None and own == back
print("as described: the class alone decides whether the second text is told apart")
PY
