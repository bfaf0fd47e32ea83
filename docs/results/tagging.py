"""What seqeval says of the tags that tinystill predict wrote, and whether transformers gives the same tags.

usage: pip install torch==2.15.0 transformers==5.24.0 seqeval==1.2.2
       python3 tagging.py words FILE.iob2 > words.jsonl                     (TAB between columns, the word in the second)
       tinystill predict --model MODEL --jsonl < words.jsonl > tags.jsonl
       python3 tagging.py score FILE.iob2 tags.jsonl [MODEL]
"""
import json
import sys


def sentences(file):
    own = []
    for line in [*open(file, encoding="utf8"), ""]:
        fields = line.rstrip("\n").split("\t")
        if len(fields) > 1:
            own.append((fields[1], fields[2]))
        elif not line.strip() and own:
            yield own
            own = []


def tagged_by_transformers(model, rows):
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    net, tokenizer = AutoModelForTokenClassification.from_pretrained(model).eval(), AutoTokenizer.from_pretrained(model)
    for own in rows:
        e = tokenizer([word for word, _ in own], is_split_into_words=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            best = net(**e).logits[0].argmax(-1).tolist()
        tags = ["O"] * len(own)
        for place, word in reversed(list(enumerate(e.word_ids()))):
            if word is not None:
                tags[word] = net.config.id2label[best[place]]
        yield tags


command, file, *rest = sys.argv[1:]
rows = list(sentences(file))
if command == "words":
    for own in rows:
        print(json.dumps({"tokens": [word for word, _ in own]}))
else:
    from seqeval.metrics import accuracy_score, classification_report, f1_score

    there = [[tag for _, tag in own] for own in rows]
    said = [json.loads(line)["tags"] for line in open(rest[0], encoding="utf8")]
    print(f"F1 {f1_score(there, said)}, accuracy {accuracy_score(there, said)}")
    print(classification_report(there, said, digits=4))
    if len(rest) > 1:
        theirs = list(tagged_by_transformers(rest[1], rows))
        other = sum(a != b for x, y in zip(said, theirs) for a, b in zip(x, y))
        print(f"transformers tags {other} of {sum(map(len, said))} words otherwise")
