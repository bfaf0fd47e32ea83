"""Writes minilm.safetensors: what transformers makes of 20 sentences with all-MiniLM-L6-v2, in one padded batch.

usage: pip install torch==2.15.0 transformers==5.24.0; npm run fetch:minilm; python3 minilm.py [MODEL_DIR]

The sentences are in the metadata, as a JSON list. ids [N] are those of all words one after the other, starts [21] where
each sentence begins. hidden.0..6 (0: embeddings) hold N rows, every 8th of the 384 elements: all would be 6 MB. vectors
[20, 384] are means over a sentence's words, similarities [20, 20] the cosines between them.
"""
import json
import os
import sys

import torch
import transformers as tr
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../models/all-MiniLM-L6-v2")
EVERY = 8

sentences = [
    "Yes",
    "dog",
    "42",
    "Antidisestablishmentarianism",
    "Where is the station?",
    "A man is eating food.",
    "A man is eating a piece of bread!",
    "The cat sat on the mat, and the dog barked at it.",
    "Crème brûlée, naïve façades and a jalapeño: São Paulo's café has them all.",
    "It cost $1,299.99 in 2019; by 2024-03-01 the price had fallen to 899.50 (minus 31%).",
    "Don't you think it's odd that they've never said what they'd do if we'd lost?",
    "e-mail me at someone@example.com or see https://example.com/a?b=1&c=2#top",
    "\"To be, or not to be\" -- that is the question... isn't it?!",
    "The quick brown fox jumps over the lazy dog while seven wizards quietly mix a potion in the cellar.",
    "Distillation trains a small network to give the soft outputs of a large one, at a temperature above one.",
    "Photosynthesis converts carbon dioxide and water into glucose and oxygen, using light absorbed by chlorophyll.",
    "Ångström, Żółć, Dvořák & Ødegård met at 5 p.m. — “finally” — in Zürich's Universitätsstraße №7.",
    "no movement , no yuks , not much of anything",
    "In the spring of 1846 the young surveyor walked the whole length of the river, from the cold springs in the hills "
    "down to the tidal marshes, and wrote in a small brown notebook every bird, mill, bridge and ford that he passed",
    "Although the committee had already rejected two earlier drafts, it agreed on Tuesday, after nine hours of talks, that "
    "member states would share the cost of the new satellites, provided that no single country pays more than a fifth of it "
    "and that the whole plan is reviewed in 2031",
]

torch.set_num_threads(1)
tr.utils.logging.disable_progress_bar()
tokenizer = tr.AutoTokenizer.from_pretrained(folder)
model = tr.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
batch = tokenizer(sentences, padding=True, return_tensors="pt")
with torch.no_grad():
    hidden = model(**batch, output_hidden_states=True).hidden_states
real = batch["attention_mask"]
words = real.bool()
lengths = real.sum(1)
vectors = (hidden[-1] * real[..., None]).sum(1) / lengths[:, None]
unit = torch.nn.functional.normalize(vectors, dim=1)
golden = {"ids": batch["input_ids"][words].int()}
golden["starts"] = torch.cat([torch.zeros(1), lengths.cumsum(0)]).int()
golden |= {f"hidden.{i}": h[words][:, ::EVERY].contiguous() for i, h in enumerate(hidden)}
golden |= {"vectors": vectors, "similarities": unit @ unit.T}
save_file(golden, os.path.join(here, "minilm.safetensors"), {"sentences": json.dumps(sentences)})
print(lengths.tolist(), len(golden["ids"]))
