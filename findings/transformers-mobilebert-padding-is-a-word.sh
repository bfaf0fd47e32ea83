#!/usr/bin/env bash
# MobileBERT's embeddings of a word are made of its own row of the table and of its neighbours' (trigram_input), and transformers takes
# the neighbour behind a text's last word from the padded ids without asking attention_mask: the row of [PAD] where a text is padded,
# zeros where it is alone or the longest of its batch. That row begins as zeros, and learns as soon as masked words are trained, since
# the decoder is tied to the table. From then on what the model says of a text depends on the texts beside it, attention_mask given or
# not. BERT, trained alike, does not care. Seen with transformers 5.24.0 and torch 2.15.0 on Linux x64, CPU: logits 0.3 apart (BERT
# 1e-6). Downloads both (some GB) into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 transformers==5.24.0 numpy
TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import torch
import transformers as tr

size = dict(vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
narrow = dict(embedding_size=16, intra_bottleneck_size=16, true_hidden_size=16)


def apart(model):
    """How far the logits of a text are from those of the same text with padding behind it: before training, and after."""
    torch.manual_seed(1)
    ids = torch.randint(5, 50, (16, 12))
    one = ids[:1, :6]
    padded = torch.nn.functional.pad(one, (0, 6))
    mask = torch.tensor([[1] * 6 + [0] * 6])

    def difference():
        model.eval()
        with torch.no_grad():
            alone = model(input_ids=one, attention_mask=mask[:, :6]).logits
            beside = model(input_ids=padded, attention_mask=mask).logits[:, :6]
        return (alone - beside).abs().max().item()

    before = difference()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(30):
        optimizer.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    return before, difference(), model.get_input_embeddings().weight[0].abs().max().item()


print("transformers", tr.__version__, "torch", torch.__version__)
torch.manual_seed(0)
mobile = apart(tr.MobileBertForMaskedLM(tr.MobileBertConfig(**size, **narrow)))
bert = apart(tr.BertForMaskedLM(tr.BertConfig(**size)))
for name, (before, after, row) in [("MobileBERT", mobile), ("BERT", bert)]:
    print(f"{name:10} logits apart before training {before:.1e}, after 30 steps {after:.1e}; largest number in the row of [PAD] {row:.2f}")
assert mobile[0] < 1e-4 and bert[0] < 1e-4
assert mobile[1] > 1e-2 and bert[1] < 1e-4
assert min(mobile[2], bert[2]) > 1e-3
print("as described: MobileBERT reads the padding behind a text's last word, BERT does not")
PY
