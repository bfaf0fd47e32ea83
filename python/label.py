#!/usr/bin/env python3
"""A teacher's logits for texts as a cache that tinystill learns from, computed by transformers: on a GPU where there is one.

    python3 label.py --teacher DIR --data rows.jsonl --out CACHE
    python3 label.py --teacher DIR --parts PARTS --part 7 --out CACHES    # then: tinystill join

Takes numpy, safetensors, torch and transformers. The format is in tinystill_cache.py beside it.
"""
import argparse
import json
import os
import re
import secrets
import shutil
import socket
import sys
import time

import numpy as np
from tinystill_cache import PROBLEM_TYPES, CacheError, CacheWriter, keys_of, need, read_json, sha256_of, teacher_facts


def problem_type_of(config, labels):
    """What the logits mean, as `tinystill label` takes it from config.json."""
    own = config.get("sentence_transformers")
    name = own.get("activation_fn") if isinstance(own, dict) else None
    name = str(name or config.get("sbert_ce_default_activation_function") or "").rpartition(".")[2]
    if name == "Sigmoid":
        return "multi_label_classification"
    if name == "Identity" and len(labels) == 1:
        return "regression"
    if config.get("problem_type") in PROBLEM_TYPES[1:]:
        return config["problem_type"]
    return "single_label_classification" if len(labels) > 1 else "multi_label_classification"


def names_apart(labels):
    return [f"{name} ({i})" if labels.count(name) > 1 else name for i, name in enumerate(labels)]


def read_rows(path):
    """(text, text_b or None, line) of each line of JSON, as tinystill split writes them."""
    try:
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip() == "":
                    continue
                try:
                    row = json.loads(line)
                    text, text_b = row["text"], row.get("text_b")
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise CacheError(f'{path}:{number}: must be {{"text": ..., "text_b"?: ...}}. tinystill split makes such lines of any data') from None
                need(isinstance(text, str) and text.strip() and isinstance(text_b, str | None), f"{path}:{number}", "text must be a string that is not empty, text_b one or null")
                yield text, text_b, number
    except UnicodeDecodeError:
        raise CacheError(f"{path}: is not UTF-8") from None
    except OSError as error:
        raise CacheError(f"{path}: cannot be read: {error.strerror}") from None


def whole(text):
    """Without half characters, which Python's tokenizers do not take, and BERT's drops."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


class Teacher:
    """A folder's classifier in float32 and in eval mode."""

    def __init__(self, folder, device=None, max_length=None):
        need(os.path.isfile(os.path.join(folder, "config.json")), folder, "has no config.json: it is no model's folder")
        self.facts = teacher_facts(folder)
        config = read_json(os.path.join(folder, "config.json"))

        # Slow to load, and not needed to find what is wrong above.
        import torch
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            loaded = transformers.AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True, dtype=torch.float32, output_loading_info=True)
        except (OSError, ValueError) as error:
            raise CacheError(f"{folder}: cannot be loaded: {str(error).splitlines()[0]}") from None
        self.model, info = loaded
        need(not info["missing_keys"], folder, f"lacks weights of a classifier: {', '.join(sorted(info['missing_keys'])[:3])}")
        self.model.eval().to(self.device)
        self.labels = names_apart([name for _, name in sorted(self.model.config.id2label.items())])
        self.problem_type = problem_type_of(config, self.labels)
        most = min(getattr(self.model.config, "max_position_embeddings", 10**9), self.tokenizer.model_max_length)
        need(max_length is None or max_length <= most, folder, f"takes at most {most} tokens, --max-length is {max_length}")
        self.max_length = max_length or min(128, most)

    def logits(self, rows, batch_size):
        """float32 [n, classes]; batches are of like length. Raises CacheError for a row of which it says nothing finite."""
        import torch

        # One by one: rows with a second text and without may stand side by side.
        encoded = [self.tokenizer(whole(text), text_b and whole(text_b), truncation="longest_first", max_length=self.max_length) for text, text_b in rows]
        order = sorted(range(len(rows)), key=lambda i: len(encoded[i]["input_ids"]))
        out = np.empty((len(rows), len(self.labels)), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                inputs = self.tokenizer.pad([encoded[i] for i in batch], return_tensors="pt").to(self.device)
                out[batch] = self.model(**inputs).logits.float().cpu().numpy()
        return out


def label(teacher, rows, folder, *, data, batch_size=64, dtype="float32", shard_rows=4096, tell=lambda done: None):
    """Writes the cache of (text, text_b, line) rows, each text once. Gives the number of rows."""
    writer = CacheWriter(
        folder,
        **{"teacher": teacher.facts, "data": data, "labels": teacher.labels, "problem_type": teacher.problem_type},
        **{"max_length": teacher.max_length, "batch_size": batch_size, "dtype": dtype, "shard_rows": shard_rows},
    )
    seen, waiting, done = set(), [], 0

    def write():
        nonlocal done
        texts = [(text, text_b) for text, text_b, _ in waiting]
        logits = teacher.logits(texts, batch_size)
        limit = np.finfo(writer.dtype).max
        bad = np.flatnonzero(~(np.abs(logits) <= limit).all(1))
        if len(bad):
            raise CacheError(f"{data['file']}:{waiting[bad[0]][2]}: the teacher gives a logit that is not finite in {dtype}")
        writer.add(keys_of(texts), logits)
        done += len(waiting)
        waiting.clear()
        tell(done)

    for row in rows:
        key = keys_of([row[:2]]).tobytes()
        if key in seen:
            continue
        seen.add(key)
        waiting.append(row)
        if len(waiting) == shard_rows:
            write()
    if waiting:
        write()
    need(done > 0, data["file"], "has no rows")
    writer.finish()
    return done


def dividing(part_rows, most):
    """Rows of a shard of which a part has a whole number: as tinystill label --parts takes them."""
    rows = min(most, part_rows)
    while part_rows % rows:
        rows -= 1
    return rows


def run(options):
    need((options.data is None) != (options.parts is None), "--data", "give --data or --parts, one of them")
    out, shard_rows = options.out, options.shard_rows
    if options.parts is None:
        need(not os.path.exists(out), out, "is there already. Choose another folder")
        path = options.data
        need(os.path.isfile(path), path, "is no file")
        data = {"file": path, "bytes": os.path.getsize(path), "sha256": sha256_of(path)}
    else:
        plan_path = os.path.join(options.parts, "plan.json")
        plan = read_json(plan_path)
        need(plan.get("format") == "tinystill-parts" and plan.get("version") == 1, plan_path, "is no plan of tinystill split")
        need(options.part is not None and 0 <= options.part < len(plan["parts"]), "--part", f"must be 0 to {len(plan['parts']) - 1}")
        part = plan["parts"][options.part]
        name = f"part-{options.part:06d}"
        need(part["file"] == f"{name}.jsonl", plan_path, "names a file that is none of its own")
        path, out = os.path.join(options.parts, part["file"]), os.path.join(out, name)
        need(os.path.isfile(path), path, "is not there")
        need(sha256_of(path) == part["sha256"], path, "has changed since the plan was written. Split again")
        if os.path.exists(out):
            print(f"{out}: is there already")
            return
        data = {"file": part["file"], "bytes": part["bytes"], "sha256": part["sha256"]}
        shard_rows = dividing(plan["partRows"], shard_rows)
    teacher = Teacher(options.teacher, options.device, options.max_length)
    began, found = time.monotonic(), {}

    def tell(done):
        print(f"\r{done:,} rows, {done / (time.monotonic() - began):,.0f} rows/s ", end="", file=sys.stderr, flush=True)

    def work(folder):
        found["rows"] = label(
            *(teacher, read_rows(path), folder),
            **{"data": data, "batch_size": options.batch_size, "dtype": options.dtype, "shard_rows": shard_rows, "tell": tell},
        )

    published = publish(work, out)
    print(file=sys.stderr)
    print(f"{out}: {found['rows']:,} rows" if published else f"{out}: another process was first")


def publish(work, out):
    """Has work(folder) fill a folder of its own, and gives that the name `out` by one rename. False where the name is taken."""
    parent, name = os.path.split(os.path.abspath(out))
    os.makedirs(parent, exist_ok=True)
    host = re.sub(r"[^\w.-]", "_", socket.gethostname(), flags=re.ASCII)
    folder = os.path.join(parent, f".attempt-{name}-{host}-{os.getpid()}-{secrets.token_hex(6)}")
    os.mkdir(folder)
    try:
        work(folder)
        # A rename onto an empty folder would succeed.
        if os.path.exists(out):
            return False
        try:
            os.rename(folder, out)
        except OSError:
            if os.path.exists(out):
                return False
            raise
        return True
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    own = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    own.add_argument("--teacher", required=True, help="folder of a classifier that transformers loads")
    own.add_argument("--data", help='rows as {"text", "text_b"?}, a line each')
    own.add_argument("--parts", help="instead of --data: what tinystill split wrote")
    own.add_argument("--part", type=int, help="of --parts this one, from 0")
    own.add_argument("--out", required=True, help="the cache's folder, or of --parts that of their caches")
    own.add_argument("--batch-size", type=int, default=64)
    own.add_argument("--max-length", type=int, help="tokens of a text; default 128, or fewer where the teacher takes fewer")
    own.add_argument("--dtype", choices=["float32", "float16"], default="float32", help="of the logits kept")
    own.add_argument("--shard-rows", type=int, default=4096)
    own.add_argument("--device", help="default: cuda where there is one, else cpu")
    try:
        run(own.parse_args())
    except CacheError as error:
        sys.exit(f"label: {error}")
    except OSError as error:
        sys.exit(f"label: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
