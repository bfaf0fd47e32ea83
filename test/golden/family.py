"""Writes family/<case>/: tiny random models of the BERT family as transformers saves them, and what PyTorch makes of them.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 family.py

config.json and model.safetensors are what save_pretrained writes. golden.safetensors holds in.* (input_ids, attention_mask,
token_type_ids where the case has them, labels with -100 = ignored), out.logits, out.hidden.0..L (0: embeddings),
out.attention_probs.0..L-1, out.loss, grad.<parameter>, and train.losses, train.grad_norms (before clipping) and
train.final_logits of 20 AdamW steps on the same batch: lr 2e-3, betas 0.9 and 0.98, eps 1e-8, weight decay 0.05 on every
parameter, factor min(1, (t+1)/5) * max(0, (20-t)/20), gradient norm 1, dropout 0. NaN in out.* and train.final_logits: of
padding, in families whose Python lets a word of padding that sees no other one see all.
"""
import json
import os
import shutil
import types

import torch
from safetensors.torch import save_file
import transformers as tr

torch.set_num_threads(1)
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "family")
shutil.rmtree(here, ignore_errors=True)

VOCAB, LENGTH = 31, 10
size = dict(vocab_size=VOCAB, max_position_embeddings=LENGTH, attn_implementation="eager")


def bert(Config=tr.BertConfig, **more):
    base = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20)
    return Config(**size, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **(base | more))


def distilbert(**more):
    base = dict(dim=12, n_layers=2, n_heads=3, hidden_dim=20)
    return tr.DistilBertConfig(**size, dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0, **(base | more))


def roberta(Config=tr.RobertaConfig, **more):
    base = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20, type_vocab_size=1)
    # Two rows of places stand before a text's first.
    base |= size | dict(max_position_embeddings=LENGTH + 2, layer_norm_eps=1e-5)
    return Config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **(base | more))


def electra(**more):
    return bert(tr.ElectraConfig, **(dict(embedding_size=7) | more))


def albert(**more):
    base = dict(num_hidden_layers=3, embedding_size=7, classifier_dropout_prob=0.0)
    return bert(tr.AlbertConfig, **(base | more))


def mpnet(**more):
    base = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20)
    base |= size | dict(max_position_embeddings=LENGTH + 2)
    return tr.MPNetConfig(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **(base | more))


def gpt2(**more):
    base = dict(vocab_size=VOCAB, n_positions=LENGTH, n_embd=12, n_layer=2, n_head=3, attn_implementation="eager")
    return tr.GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, classifier_dropout=0.0, **(base | more))


def modernbert(**more):
    base = dict(vocab_size=VOCAB, hidden_size=12, num_hidden_layers=4, num_attention_heads=3, intermediate_size=20)
    # Rows of 9 words, of which a near layer sees 5.
    base |= dict(max_position_embeddings=LENGTH, local_attention=4, pad_token_id=0, attn_implementation="eager")
    base |= dict(bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2)
    return tr.ModernBertConfig(**(base | more))


def deberta(**more):
    base = size | dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20, pad_token_id=0)
    base |= dict(relative_attention=True, position_biased_input=False, share_att_key=True)
    # Words farther than 2 places share kinds of distances, all beyond 8 are one.
    base |= dict(pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm", position_buckets=4, layer_norm_eps=1e-7)
    return tr.DebertaV2Config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **(base | more))


def mobilebert(**more):
    # Tables 7 wide, states 12, blocks 6.
    base = dict(num_attention_heads=2, embedding_size=7, intra_bottleneck_size=6, num_feedforward_networks=3)
    return bert(tr.MobileBertConfig, **(base | more))


joined = {"c_attn": ("query", "key", "value"), "Wqkv": ("query", "key", "value"), "Wi": ("up", "gate")}


turned_ends = {"gpt2": ("attn.weight", "c_proj.weight", "c_fc.weight"), "mobilebert": (".predictions.dense.weight",)}


def unjoined(named, model_type):
    """Queries, keys and values apart, inner layers and their gates; weights that stand [in, out] as PyTorch's Linear has them."""
    for name, t in named:
        turned = t.T if name.endswith(turned_ends.get(model_type, ())) else t
        whole = next((part for part in joined if f".{part}." in name), None)
        parts = joined.get(whole, (whole,))
        for part, own in zip(parts, turned.chunk(len(parts))):
            yield (name if whole is None else name.replace(whole, part)), own


def hidden(name, t, mask):
    """out.* with NaN for padding."""
    B, T = mask.shape
    if name.startswith("out.attention"):
        return t.masked_fill(mask.view(B, 1, T, 1) == 0, torch.nan)
    return t.masked_fill(mask.view(B, T, 1) == 0, torch.nan) if t.dim() == 3 else t


class BiLstm(torch.nn.Module):
    """Tang et al. 2019, figure 1, under the names of ours: no class of transformers."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        E, C = config.embedding_size, config.hidden_size
        lstm = torch.nn.LSTM(E, C // 2, batch_first=True, bidirectional=True)
        self.bilstm = torch.nn.ModuleDict(
            dict(embedding=torch.nn.Embedding(config.vocab_size, E, config.pad_token_id), lstm=lstm))
        self.dense = torch.nn.Linear(C, config.dense_size)
        self.classifier = torch.nn.Linear(config.dense_size, config.num_labels)

    def forward(self, input_ids, attention_mask, labels, **_):
        words = self.bilstm["embedding"](input_ids)
        pack, unpack = torch.nn.utils.rnn.pack_padded_sequence, torch.nn.utils.rnn.pad_packed_sequence
        lengths = attention_mask.sum(1)
        states, (last, _) = self.bilstm["lstm"](pack(words, lengths, batch_first=True, enforce_sorted=False))
        states = unpack(states, batch_first=True, total_length=input_ids.shape[1])[0]
        logits = self.classifier(self.dense(torch.cat([last[0], last[1]], 1)).relu())
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return types.SimpleNamespace(logits=logits, loss=loss, hidden_states=[words, states], attentions=[])

    def save_pretrained(self, folder):
        os.makedirs(folder)
        names = [f"LABEL_{i}" for i in range(self.config.num_labels)]
        fields = vars(self.config) | dict(architectures=["BiLstmForSequenceClassification"], dtype="float32")
        fields |= dict(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
        del fields["num_labels"]
        with open(f"{folder}/config.json", "w") as file:
            json.dump(fields, file, indent=2, sort_keys=True)
        save_file(self.state_dict(), f"{folder}/model.safetensors", dict(format="pt"))


def labels_for(kind, ids, mask, n):
    B, T = ids.shape
    if kind == "next":
        return torch.where(mask.bool(), ids, -100)
    if kind == "number":
        return torch.randn(B)
    if kind == "text":
        return torch.randint(0, n, (B,))
    drawn = torch.randint(0, n, (B, T))
    seen = mask.bool() if kind == "token" else (torch.rand(B, T) < 0.4) & mask.bool()
    return torch.where(seen, drawn, -100)


def write(name, cls, config, kind, types=True, lengths=(9, 6, 3, 1), pads_inside=False):
    model = cls(config)
    with torch.no_grad():  # larger than BERT's 0.02, and no bias of 0: every term must show
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.3 + (p if p.dim() == 1 else 0))
        if config.model_type == "mobilebert":  # as it is drawn there: the word before padding sees it
            model.get_input_embeddings().weight[config.pad_token_id] = 0
    folder = f"{here}/{name}"
    model.save_pretrained(folder)
    B, T = len(lengths), max(lengths)
    mask = torch.tensor([[1] * n + [0] * (T - n) for n in lengths])
    pad = config.pad_token_id or 0
    ids = torch.where(mask.bool(), torch.randint(pad + 1, VOCAB, (B, T)), pad)
    if pads_inside:
        ids[0, 3] = ids[1, lengths[1] - 1] = pad
    inputs = dict(input_ids=ids, attention_mask=mask)
    if types:
        inputs["token_type_ids"] = torch.randint(0, config.type_vocab_size, (B, T)) * mask
    inputs["labels"] = labels_for(kind, ids, mask, VOCAB if kind == "word" else config.num_labels)

    out = model(**inputs, output_hidden_states=True, output_attentions=True)
    out.loss.backward()
    golden = {f"in.{k}": v if v.is_floating_point() else v.int() for k, v in inputs.items()}
    if kind == "next":  # transformers shifts them itself
        golden["in.labels"] = torch.nn.functional.pad(golden["in.labels"][:, 1:], (0, 1), value=-100)
    golden |= {"out.logits": out.logits, "out.loss": out.loss}
    golden |= {f"out.hidden.{i}": h for i, h in enumerate(out.hidden_states)}
    golden |= {f"out.attention_probs.{i}": a for i, a in enumerate(out.attentions)}
    # A tied table under the encoder's name, whichever module comes first.
    decoder = lambda name: "decoder" in name or "lm_head" in name
    every = sorted(model.named_parameters(remove_duplicate=False), key=lambda named: not decoder(named[0]))
    grads = [(k, p.grad.clone()) for p, k in {p: k for k, p in every}.items() if p.grad is not None]
    golden |= {f"grad.{k}": g for k, g in unjoined(grads, config.model_type)}

    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.05)
    factor = lambda t: min(1, (t + 1) / 5) * max(0, (20 - t) / 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    losses, norms = [], []
    for _ in range(20):
        optimizer.zero_grad()
        loss = model(**inputs).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    golden |= {"train.losses": torch.stack(losses), "train.grad_norms": torch.stack(norms)}
    golden |= {"train.final_logits": model(**inputs).logits}
    if config.model_type in ("modernbert", "deberta-v2"):
        golden = {k: hidden(k, v, mask) if k[:3] in ("out", "tra") else v for k, v in golden.items()}
    save_file({k: v.detach().contiguous() for k, v in golden.items()}, f"{folder}/golden.safetensors")


names = dict(id2label={0: "red", 1: "green", 2: "blue"}, label2id={"red": 0, "green": 1, "blue": 2})
torch.manual_seed(1)
write("bert-classify", tr.BertForSequenceClassification, bert(num_hidden_layers=3, **names), "text")
write("bert-regression", tr.BertForSequenceClassification, bert(num_labels=1, num_attention_heads=1, hidden_act="gelu_pytorch_tanh"), "number", types=False)
write("bert-tokens", tr.BertForTokenClassification, bert(num_labels=5, hidden_size=15, num_attention_heads=5, intermediate_size=7, type_vocab_size=3, hidden_act="relu"), "token")
write("bert-mlm", tr.BertForMaskedLM, bert(), "word")
write("bert-mlm-untied", tr.BertForMaskedLM, bert(tie_word_embeddings=False, hidden_act="gelu_new", layer_norm_eps=1e-5), "word", lengths=(10, 10))
write("distilbert-classify", tr.DistilBertForSequenceClassification, distilbert(num_labels=4), "text", types=False)
write("distilbert-tokens", tr.DistilBertForTokenClassification, distilbert(num_labels=3, dim=10, n_heads=2, hidden_dim=33), "token", types=False)
write("distilbert-mlm", tr.DistilBertForMaskedLM, distilbert(activation="relu"), "word", types=False)
# Old names: one token type, another activation, a position table that started as sines.
write("bert-silu", tr.BertForSequenceClassification, bert(num_labels=2, type_vocab_size=1, hidden_act="silu"), "text", types=False)
write("distilbert-sinusoidal", tr.DistilBertForSequenceClassification, distilbert(num_labels=2, sinusoidal_pos_embds=True, activation="gelu_fast"), "text", types=False)
# RoBERTa's kin: places behind padding's, heads of their own.
write("roberta-classify", tr.RobertaForSequenceClassification, roberta(**names), "text", types=False)
write("roberta-tokens", tr.RobertaForTokenClassification, roberta(num_labels=5), "token", types=False)
write("roberta-mlm", tr.RobertaForMaskedLM, roberta(hidden_act="relu"), "word", types=False)
write("roberta-mlm-untied", tr.RobertaForMaskedLM, roberta(tie_word_embeddings=False), "word", types=False)
write("camembert-classify", tr.CamembertForSequenceClassification, roberta(tr.CamembertConfig, num_labels=2, pad_token_id=3, max_position_embeddings=LENGTH + 4), "text", types=False)
write("xlm-roberta-mlm", tr.XLMRobertaForMaskedLM, roberta(tr.XLMRobertaConfig, type_vocab_size=2), "word")
# Tables narrower than the states; of ALBERT one block for all layers.
write("electra-classify", tr.ElectraForSequenceClassification, electra(**names), "text")
write("electra-tokens", tr.ElectraForTokenClassification, electra(num_labels=5, embedding_size=12), "token")
write("electra-mlm", tr.ElectraForMaskedLM, electra(hidden_act="relu"), "word")
write("albert-classify", tr.AlbertForSequenceClassification, albert(**names), "text")
write("albert-tokens", tr.AlbertForTokenClassification, albert(num_labels=5, embedding_size=12, hidden_act="gelu"), "token")
write("albert-mlm", tr.AlbertForMaskedLM, albert(), "word")
write("albert-mlm-untied", tr.AlbertForMaskedLM, albert(tie_word_embeddings=False), "word", lengths=(10, 10))
# Distances between words add to the scores, by one table for all layers.
write("mpnet-classify", tr.MPNetForSequenceClassification, mpnet(**names), "text", types=False)
write("mpnet-tokens", tr.MPNetForTokenClassification, mpnet(num_labels=5, max_position_embeddings=42), "token", types=False, lengths=(40, 21, 2))
write("mpnet-mlm", tr.MPNetForMaskedLM, mpnet(hidden_act="relu", layer_norm_eps=1e-5), "word", types=False)
# Words that see those before them alone; weights [in, out], queries, keys and values in one.
write("gpt2-lm", tr.GPT2LMHeadModel, gpt2(), "next", types=False)
write("gpt2-lm-untied", tr.GPT2LMHeadModel, gpt2(tie_word_embeddings=False, n_inner=20, activation_function="gelu", layer_norm_epsilon=1e-6), "next", types=False, lengths=(10, 10))
write("gpt2-tokens", tr.GPT2ForTokenClassification, gpt2(num_labels=5, n_head=2, activation_function="relu"), "token", types=False)
# Words turn by their places, three layers of four see near ones alone; inner layers have gates, no biases but the last.
write("modernbert-classify", tr.ModernBertForSequenceClassification, modernbert(**names), "text", types=False)
write("modernbert-mean", tr.ModernBertForSequenceClassification, modernbert(num_labels=2, classifier_pooling="mean", global_attn_every_n_layers=2, global_rope_theta=500.0, local_rope_theta=30.0), "text", types=False, lengths=(10, 4))
write("modernbert-tokens", tr.ModernBertForTokenClassification, modernbert(num_labels=5, hidden_size=16, num_attention_heads=2, local_attention=6), "token", types=False)
write("modernbert-mlm", tr.ModernBertForMaskedLM, modernbert(hidden_activation="silu", num_hidden_layers=2), "word", types=False)
write("modernbert-mlm-untied", tr.ModernBertForMaskedLM, modernbert(tie_word_embeddings=False), "word", types=False, lengths=(10, 10))
# No places in the words: scores between words and distances, with the layers' own projections.
write("deberta-classify", tr.DebertaV2ForSequenceClassification, deberta(num_hidden_layers=3, **names), "text", types=False)
write("deberta-tokens", tr.DebertaV2ForTokenClassification, deberta(num_labels=5, max_position_embeddings=80, position_buckets=16, max_relative_positions=40), "token", types=False, lengths=(70, 21, 2))
write("deberta-mlm", tr.DebertaV2ForMaskedLM, deberta(hidden_act="relu"), "word", types=False)
write("deberta-mlm-untied", tr.DebertaV2ForMaskedLM, deberta(tie_word_embeddings=False), "word", types=False, lengths=(10, 10))
# No transformer: an LSTM in both directions.
torch.manual_seed(2)
lstm = dict(vocab_size=VOCAB, embedding_size=7, hidden_size=12, dense_size=9, max_position_embeddings=512)
lstm |= dict(model_type="bilstm", dropout=0.0, initializer_range=0.144, pad_token_id=0, num_labels=3)
write("bilstm-classify", BiLstm, types.SimpleNamespace(**lstm), "text", types=False)
# Blocks between bottlenecks, several inner layers each; words between their neighbours; norms that only multiply and add.
torch.manual_seed(3)
write("mobilebert-classify", tr.MobileBertForSequenceClassification, mobilebert(num_hidden_layers=3, **names), "text")
write("mobilebert-norms", tr.MobileBertForSequenceClassification, mobilebert(num_labels=2, normalization_type="layer_norm", use_bottleneck_attention=True, key_query_shared_bottleneck=False, classifier_activation=False, num_feedforward_networks=1), "text")
write("mobilebert-tokens", tr.MobileBertForTokenClassification, mobilebert(num_labels=5, use_bottleneck=False, intra_bottleneck_size=12, trigram_input=False, num_feedforward_networks=2, normalization_type="layer_norm"), "token")
write("mobilebert-mlm", tr.MobileBertForMaskedLM, mobilebert(num_feedforward_networks=4, classifier_activation=False), "word")
write("mobilebert-mlm-untied", tr.MobileBertForMaskedLM, mobilebert(tie_word_embeddings=False, normalization_type="layer_norm", hidden_act="gelu", num_hidden_layers=1), "word", lengths=(10, 10))
# Of texts, by the last word that is not the one that pads, which may be a word as well, and the last.
torch.manual_seed(4)
write("gpt2-classify", tr.GPT2ForSequenceClassification, gpt2(pad_token_id=0, **names), "text", types=False, pads_inside=True)
