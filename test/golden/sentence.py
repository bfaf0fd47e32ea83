#!/usr/bin/env python3
"""Folders that sentence-transformers writes, small and random: each pooling, Dense and Normalize behind it; and the vectors
that it gives for some texts, with gradients of the sum of their products with fixed numbers. Takes sentence-transformers 6.

    python3 test/golden/sentence.py
"""
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.base.modules.transformer import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from transformers import BertConfig, BertModel, BertTokenizerFast

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sentence")
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] a the small large dog cat house river runs sleeps of in and ##s ##ing red green . , query : passage".split()
TEXTS = ["a small dog runs", "the large cat sleeps in the red house", "river", "", "the dogs, running . unknown words and a dog and a cat and a house of the green river runs"]

torch.manual_seed(7)
shutil.rmtree(HERE, ignore_errors=True)
os.makedirs(HERE)
plain = os.path.join(HERE, "plain")
os.makedirs(plain)
with open(os.path.join(plain, "vocab.txt"), "w") as file:
    file.write("\n".join(WORDS) + "\n")
tokenizer = BertTokenizerFast(vocab=os.path.join(plain, "vocab.txt"), model_max_length=32)
config = BertConfig(vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_position_embeddings=32)
config.initializer_range = 0.2
bert = BertModel(config).eval()
bert.save_pretrained(plain)
tokenizer.save_pretrained(plain)

golden = {}


def folder(name, mode, behind, length, prompts=None):
    first = Transformer(plain, max_seq_length=length)
    model = SentenceTransformer(modules=[first, Pooling(16, mode), *behind], device="cpu", prompts=prompts).eval()
    golden[f"{name}.vectors"] = torch.tensor(model.encode(TEXTS))
    features = model.tokenize(TEXTS)
    vectors = model(features)["sentence_embedding"]
    weights = torch.arange(vectors.numel()).reshape(vectors.shape) % 7 / 7 - 0.4
    (vectors * weights).sum().backward()
    encoder = first.auto_model if hasattr(first, "auto_model") else first.model
    golden[f"{name}.grad.query"] = encoder.encoder.layer[0].attention.self.query.weight.grad.clone()
    golden[f"{name}.grad.words"] = encoder.embeddings.word_embeddings.weight.grad.clone()
    for module in behind:
        if isinstance(module, Dense):
            golden[f"{name}.grad.dense"] = module.linear.weight.grad.clone()
    model.save(os.path.join(HERE, name), create_model_card=False)
    return model


folder("mean", "mean", [Normalize()], 12)
folder("cls", "cls", [Dense(16, 6), Normalize()], 16, {"query": "query : ", "document": ""})
folder("max", "max", [Normalize(), Dense(16, 5, bias=False, activation_function=torch.nn.Identity())], 16)
shutil.rmtree(plain)
save_file(golden, os.path.join(HERE, "golden.safetensors"), {"texts": json.dumps(TEXTS)})
for path, _, files in os.walk(HERE):
    print(path, files)
