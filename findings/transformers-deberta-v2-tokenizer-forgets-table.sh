#!/usr/bin/env bash
# A DeBERTa-v3 folder as transformers 4 wrote it has sentencepiece's table of characters in tokenizer.json (its normalizer
# "Precompiled", nmt_nfkc), and its ids are those of sentencepiece. AutoTokenizer of transformers 5 takes the class DebertaV2Tokenizer,
# which makes a normalizer of its own out of spaces and NFC and passes over the table that stands in the file: ligatures, full-width
# letters and circled numbers become other pieces, or unknown ones, without a word, while the model was trained with the table. The file
# itself, read by tokenizers or as PreTrainedTokenizerFast, gives sentencepiece's pieces. Seen with transformers 5.24.0, tokenizers and
# sentencepiece 0.2.3 on Linux x64. Downloads them into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 sentencepiece==0.2.3 protobuf==7.36.2
cd "$folder"
TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import base64
import json
import sentencepiece as spm
import transformers
from sentencepiece import sentencepiece_model_pb2 as pb
from transformers import AutoTokenizer, DebertaV2Config, DebertaV2Tokenizer, PreTrainedTokenizerFast

plain = ["a fine film of the first kind", "ABC is first of all", "1 and 2 and 3 are few", "the film is fine and so is the first"]
with open("texts.txt", "w") as f:
    f.writelines(text + "\n" for text in plain * 20)
spm.SentencePieceTrainer.train(input="texts.txt", model_prefix="m", vocab_size=60, hard_vocab_limit=False, minloglevel=2)
model = pb.ModelProto.FromString(open("m.model", "rb").read())
pieces = [(p.piece, p.score) for p in model.pieces[3:]]
special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
DebertaV2Tokenizer(vocab=[*((s, 0.0) for s in special), *pieces, ("[MASK]", 0.0)]).save_pretrained("saved")
DebertaV2Config(vocab_size=len(pieces) + 5).save_pretrained("saved")

# tokenizer.json in the form of transformers 4: what its converter made of a DeBERTa-v3 model.
document = json.load(open("saved/tokenizer.json", encoding="utf8"))
table = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
document["normalizer"] = {"type": "Sequence", "normalizers": [
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Precompiled", "precompiled_charsmap": table},
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]}
json.dump(document, open("saved/tokenizer.json", "w", encoding="utf8"))

print("transformers", transformers.__version__)
taken = AutoTokenizer.from_pretrained("saved")
as_written = PreTrainedTokenizerFast(tokenizer_file="saved/tokenizer.json")
oracle = spm.SentencePieceProcessor(model_file="m.model")
differ = 0
for text in ["a fine film", "a \ufb01ne \ufb01lm", "\uff21\uff22\uff23 is \ufb01rst", "\u2460 and \u2461"]:
    own, file = ([t for t in tok.tokenize(text)] for tok in (taken, as_written))
    truth = oracle.encode(text, out_type=str)
    print(f"{text!r}: {type(taken).__name__} {own}; the file as it stands {file}; sentencepiece {truth}")
    assert file == truth
    differ += own != truth
assert type(taken).__name__ == "DebertaV2Tokenizer" and differ == 3
print("as described: the class forgets the table, the file does not")
PY
