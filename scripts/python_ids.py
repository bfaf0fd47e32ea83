"""The Python half of python-ids.mjs: a tokenizer of each family learnt from a file's lines, and the ids that it gives them.

usage: python3 python_ids.py TEXTS DIR; writes DIR/<family>/ and DIR/<family>.json {ids, seconds: the processor's, of the fastest of three rounds}.
"""
import json
import os
import sys
import tempfile
import time

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
import sentencepiece as spm
import transformers as tr
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SIZE, LONGEST = 16000, 128
file, root = sys.argv[1:]
with open(file, encoding="utf8") as lines:
    texts = [text for text in lines.read().split("\n") if text]
raw = tempfile.mkdtemp(dir=root)


def pieces(lowercase):
    made = BertWordPieceTokenizer(lowercase=lowercase)
    made.train_from_iterator(texts, vocab_size=SIZE, min_frequency=2, show_progress=False)
    return sorted(made.get_vocab(), key=made.get_vocab().get)


def numbered(names):
    return {name: i for i, name in enumerate(names)}


def mpnet():
    return tr.MPNetTokenizer(vocab=numbered(["<s>", "<pad>", "</s>", "<unk>", *pieces(True), "<mask>"]))


def bytes_of(special):
    made = ByteLevelBPETokenizer()
    made.train_from_iterator(texts, vocab_size=SIZE, min_frequency=2, special_tokens=special, show_progress=False)
    made.save_model(raw)
    return dict(vocab=f"{raw}/vocab.json", merges=f"{raw}/merges.txt")


def modernbert():
    made = Tokenizer(models.BPE())
    made.normalizer, made.pre_tokenizer = normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=SIZE, min_frequency=2, initial_alphabet=alphabet, show_progress=False))
    made.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    special = [(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special)
    roles = {f"{role}_token": f"[{role.upper()}]" for role in ("unk", "cls", "sep", "pad", "mask")}
    return tr.PreTrainedTokenizerFast(tokenizer_object=made, model_input_names=["input_ids", "attention_mask"], **roles)


def unigram():
    """Pieces with their scores, and sentencepiece's table of characters, its default."""
    with open(f"{raw}/lines.txt", "w", encoding="utf8") as f:
        f.writelines(text + "\n" for text in texts)
    spm.SentencePieceTrainer.train(input=f"{raw}/lines.txt", model_prefix=f"{raw}/m", vocab_size=SIZE, hard_vocab_limit=False,
                                   character_coverage=0.9995, minloglevel=2, num_threads=1)
    model = pb.ModelProto()
    with open(f"{raw}/m.model", "rb") as f:
        model.ParseFromString(f.read())
    scored = [(p.piece, p.score) for p in model.pieces[3:]]
    return lambda front, back: dict(vocab=[*((name, 0.0) for name in front), *scored, *((name, 0.0) for name in back)]), dict(
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap)


def all_of_them():
    yield "bert", tr.BertConfig, tr.BertTokenizer(vocab=numbered(pieces(True)))
    yield "bert, cased", tr.BertConfig, tr.BertTokenizer(vocab=numbered(pieces(False)), do_lower_case=False)
    yield "mobilebert", tr.MobileBertConfig, tr.MobileBertTokenizer(vocab=numbered(pieces(True)))
    yield "mpnet", tr.MPNetConfig, mpnet()
    yield "roberta", tr.RobertaConfig, tr.RobertaTokenizer(**bytes_of(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    yield "gpt2", tr.GPT2Config, tr.GPT2Tokenizer(**bytes_of(["<|endoftext|>"]))
    yield "modernbert", tr.ModernBertConfig, modernbert()
    vocab, table = unigram()
    yield "xlm-roberta", tr.XLMRobertaConfig, tr.XLMRobertaTokenizer(**vocab(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"]), **table)
    camembert = vocab(["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"], ["<mask>"])
    yield "camembert", tr.CamembertConfig, tr.CamembertTokenizer(**camembert, **table)
    yield "albert", tr.AlbertConfig, tr.AlbertTokenizer(**vocab(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], []), **table)
    yield "deberta-v2", tr.DebertaV2Config, tr.DebertaV2Tokenizer(**vocab(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], ["[MASK]"]))


for family, Config, made in all_of_them():
    folder = os.path.join(root, family)
    made.model_max_length = LONGEST
    made.save_pretrained(folder)
    Config(vocab_size=len(made)).save_pretrained(folder)
    tokenizer = tr.AutoTokenizer.from_pretrained(folder)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        ids = tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
        seconds.append(time.process_time() - start)
    with open(os.path.join(root, f"{family}.json"), "w") as f:
        json.dump(dict(ids=ids, seconds=min(seconds)), f)
    print(f"{family}: {type(tokenizer).__name__}, {len(tokenizer)} tokens", flush=True)
