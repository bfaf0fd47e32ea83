#!/usr/bin/env python3
"""tinystill's cache of what a teacher says of texts (docs/cache.md), read and written. label.py beside it fills one.

    python3 tinystill_cache.py CACHE    checks every hash

Takes numpy and safetensors.
"""
import hashlib
import json
import os
import re
import secrets
import sys

import numpy as np
from safetensors.numpy import load, save

MANIFEST = "cache.json"
FORMAT, VERSION = "tinystill-cache", 2
PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")
# Of the rest's probability: below it softmax gives 0.
LEAST_REST = 1e-30
HASH = re.compile(r"[0-9a-f]{64}")


class CacheError(Exception):
    """One line: what is wrong with which file, and what to do."""


def need(condition, place, reason):
    if not condition:
        raise CacheError(f"{place}: {reason}")


# ---- keys


def json_of(text, text_b=None):
    """The JSON of [text] or [text, text_b], byte for byte as JSON.stringify has it."""
    row = [text] if text_b is None else [text, text_b]
    out = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    if re.search("[\ud800-\udfff]", out):
        # Halves of a pair that stand side by side are one character; one alone is escaped.
        out = out.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        out = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", out)
    return out.encode()


def keys_of(rows):
    """int32 [n, 2] of (text, text_b or None): the first 8 bytes of SHA-256 over the JSON, little-endian."""
    digests = b"".join(hashlib.sha256(json_of(text, text_b)).digest()[:8] for text, text_b in rows)
    return np.frombuffer(digests, "<i4").reshape(-1, 2)


def as_one(keys):
    """Two int32 as one int64, to be sorted and searched."""
    return np.ascontiguousarray(keys, "<i4").view("<i8").reshape(-1)


# ---- files


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as error:
        raise CacheError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CacheError(f"{path}: is no JSON: {error}") from None
    need(isinstance(found, dict), path, "is no JSON object")
    return found


def write_atomic(path, data):
    """The old file or the new one, never half of it."""
    temporary = os.path.join(os.path.dirname(path) or ".", f".tinystill-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise CacheError(f"{path}: cannot be written: {error.strerror}; what was there before is unchanged") from None


# ---- reading


def read_manifest(folder):
    """cache.json, checked. Raises CacheError that names the field."""
    path = os.path.join(folder, MANIFEST)
    given = read_json(path)

    def field(owner, name, kind, what, fits=lambda value: True):
        value = owner.get(name) if isinstance(owner, dict) else None
        need(isinstance(value, kind) and not (kind is int and isinstance(value, bool)) and fits(value), path, f"{name} must be {what}")
        return value

    need(given.get("format") == FORMAT, path, f"format must be {FORMAT}")
    need(given.get("version") in (1, VERSION), path, f"version must be 1 or {VERSION}")
    settings = field(given, "settings", dict, "an object")
    size = settings.get("embedding")
    need(size is None or isinstance(size, int) and 0 < size <= 65536, path, "settings.embedding must be left out, or the numbers of a vector")
    labels = field(given, "labels", list, "a list of names, empty beside settings.embedding", lambda value: bool(value) == (size is None) and all(isinstance(x, str) for x in value))
    need(given["version"] == 1 or size is not None or given.get("problemType") in PROBLEM_TYPES, path, f"problemType must be one of {', '.join(PROBLEM_TYPES)}")
    k = settings.get("topK")
    need(k is None or size is None and isinstance(k, int) and 0 < k < len(labels), path, "settings.topK must be null or less than the labels")
    need(settings.get("dtype") in ("float32", "float16"), path, "settings.dtype must be float32 or float16")
    for name in ("weights", "config"):
        field(field(given, "teacher", dict, "an object"), name, str, "a SHA-256", HASH.fullmatch)
    shards = field(given, "shards", list, "a list")
    for i, shard in enumerate(shards):
        field(shard, "file", str, f"shard-{i:05d}.safetensors", lambda name: name == f"shard-{i:05d}.safetensors")
        field(shard, "rows", int, "a whole number from 1 on", lambda rows: rows > 0)
        for name in ("sha256", "keys"):
            field(shard, name, str, "a SHA-256", HASH.fullmatch)
    need(given.get("rows") == sum(shard["rows"] for shard in shards), path, "rows must be the sum over the shards")
    need(isinstance(given.get("complete"), bool), path, "complete must be true or false")
    return given


def expand(top, indices, rest, classes):
    """Logits of all classes from the largest ones and the probability of the rest, which is spread evenly over the others."""
    top = top.astype(np.float64)
    largest, smallest = top.max(1, keepdims=True), top.min(1, keepdims=True)
    rest = rest.reshape(-1, 1)
    share = np.maximum(rest, LEAST_REST) / np.maximum(1 - rest, LEAST_REST) / (classes - top.shape[1])
    other = np.minimum(largest + np.log(np.exp(top - largest).sum(1, keepdims=True)) + np.log(share), smallest)
    out = np.repeat(other, classes, 1)
    np.put_along_axis(out, indices.astype(np.int64), top, 1)
    return out.astype(np.float32)


class Cache:
    """A cache in a folder. In memory are 16 bytes a row; values are read, and each shard's SHA-256 checked, as they are asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.labels = self.manifest["labels"]
        keys = [self._keys(shard) for shard in self.manifest["shards"]]
        own = as_one(np.concatenate(keys)) if keys else np.zeros(0, "<i8")
        self._order = np.argsort(own, kind="stable")
        self._sorted = own[self._order]
        need(not (self._sorted[1:] == self._sorted[:-1]).any(), folder, "a row is in the cache twice")
        self._firsts = np.cumsum([0] + [shard["rows"] for shard in self.manifest["shards"]])

    def __len__(self):
        return len(self._sorted)

    def _open(self, shard):
        path = os.path.join(self.folder, shard["file"])
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise CacheError(f"{path}: cannot be read: {error.strerror}. Label again") from None
        need(hashlib.sha256(data).hexdigest() == shard["sha256"], path, "its SHA-256 is not what cache.json says: the file has changed. Label again")
        return path, load(data)

    def _keys(self, shard):
        """Read by their place in the file: of a large cache the rest is for later."""
        path = os.path.join(self.folder, shard["file"])
        try:
            with open(path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                need(length < 2**20, path, "its header is too long")
                entry = json.loads(file.read(length))["keys"]
                start, end = entry["data_offsets"]
                need(entry["dtype"] == "I32" and end - start == 8 * shard["rows"], path, "keys are not what cache.json says")
                file.seek(8 + length + start)
                data = file.read(end - start)
        except OSError as error:
            raise CacheError(f"{path}: cannot be read: {error.strerror}. Label again") from None
        except (ValueError, KeyError, TypeError):
            raise CacheError(f"{path}: is torn, or no shard of a cache. Label again") from None
        need(hashlib.sha256(data).hexdigest() == shard["keys"], path, "its keys' SHA-256 is not what cache.json says: the file has changed. Label again")
        return np.frombuffer(data, "<i4").reshape(-1, 2)

    def places(self, rows):
        """int64 [n]: the cache's row of each (text, text_b or None); -1 where it has none."""
        wanted = as_one(keys_of(rows))
        if len(self) == 0:
            return np.full(len(wanted), -1)
        at = np.minimum(np.searchsorted(self._sorted, wanted), len(self) - 1)
        return np.where(self._sorted[at] == wanted, self._order[at], -1)

    def by_shard(self, places):
        """(places in the list, rows of the shard, its tensors) of each shard that has some."""
        need(len(places) == 0 or (places.min() >= 0 and places.max() < len(self)), self.folder, "a row is not in the cache")
        shard_of = np.searchsorted(self._firsts, places, "right") - 1
        for i in np.unique(shard_of):
            at = np.flatnonzero(shard_of == i)
            path, tensors = self._open(self.manifest["shards"][i])
            yield at, places[at] - self._firsts[i], path, tensors

    def embeddings(self, places):
        """float32 [n, size] of the cache's rows: vectors of a sentence encoder."""
        size = self.manifest["settings"].get("embedding")
        need(size is not None, self.folder, "holds logits, no embeddings")
        out = np.empty((len(places), size), np.float32)
        for at, rows, path, tensors in self.by_shard(np.asarray(places)):
            vectors = tensors.get("embedding")
            need(vectors is not None and vectors.shape[1:] == (size,), path, "embeddings are not what cache.json says")
            out[at] = vectors[rows]
        return out

    def logits(self, places):
        """float32 [n, classes] of the cache's rows."""
        need("embedding" not in self.manifest["settings"], self.folder, "holds embeddings, no logits")
        classes, k = len(self.labels), self.manifest["settings"]["topK"]
        out = np.empty((len(places), classes), np.float32)
        for at, rows, path, tensors in self.by_shard(np.asarray(places)):
            z = tensors.get("logits")
            need(z is not None and z.shape[1:] == (k or classes,), path, "logits are not what cache.json says")
            if k is not None:
                indices = tensors["indices"][rows]
                need(((indices >= 0) & (indices < classes)).all(), path, "names classes that are none")
                out[at] = expand(z[rows], indices, tensors["rest"][rows], classes)
            else:
                out[at] = z[rows]
        return out

    def hidden(self, layer, places):
        """A list of float arrays [tokens, width], the states of a layer; 0 are the embeddings."""
        need(layer in self.manifest["settings"]["layers"], self.folder, f"states of layer {layer} are not kept")
        out = [None] * len(places)
        for at, rows, _, tensors in self.by_shard(np.asarray(places)):
            states, starts = tensors[f"hidden.{layer}"], tensors.get("starts", np.arange(len(tensors["keys"]) + 1))
            for i, row in zip(at, rows):
                out[i] = states[starts[row] : starts[row + 1]]
        return out


# ---- writing


class CacheWriter:
    """Writes shard after shard into a folder without a cache, and cache.json last: a folder without it is no cache."""

    def __init__(self, folder, *, teacher, data, labels=(), problem_type=None, max_length, batch_size, dtype="float32", shard_rows=4096, embedding=None):
        """Of logits labels and problem_type say what they are; embedding is the size of vectors instead."""
        need(not os.path.exists(os.path.join(folder, MANIFEST)), folder, "holds a cache already. Choose another folder")
        need(embedding is not None or problem_type in PROBLEM_TYPES, folder, f"problem_type must be one of {', '.join(PROBLEM_TYPES)}")
        need((embedding is None) == bool(labels), folder, "labels are of logits, which have some")
        need(dtype in ("float32", "float16"), folder, "dtype must be float32 or float16")
        os.makedirs(folder, exist_ok=True)
        self.folder, self.shards = folder, []
        self.dtype, self.shard_rows, self.labels = np.dtype(dtype), shard_rows, list(labels)
        self.answers, self.width = ("logits", len(self.labels)) if embedding is None else ("embedding", embedding)
        self.facts = {
            "teacher": teacher,
            "data": data,
            "settings": {
                **{"topK": None, "dtype": dtype, "hidden": "none", "layers": [], "width": 0},
                **{"maxLength": max_length, "batchSize": batch_size, "shardRows": shard_rows},
                **({} if embedding is None else {"embedding": embedding}),
            },
            "labels": self.labels,
            **({"problemType": problem_type} if embedding is None else {}),
        }

    def add(self, keys, logits):
        """A shard: int32 [n, 2] and float [n, classes], or of embeddings [n, size]."""
        need(0 < len(keys) <= self.shard_rows, self.folder, f"a shard has 1 to {self.shard_rows} rows, not {len(keys)}")
        need(logits.shape == (len(keys), self.width), self.folder, f"{self.answers} are {logits.shape}, not {(len(keys), self.width)}")
        with np.errstate(over="ignore"):
            kept = logits.astype(self.dtype)
        bad = np.flatnonzero(~np.isfinite(kept).all(1))
        need(len(bad) == 0, self.folder, f"the {self.answers} of row {bad[0] if len(bad) else 0} of a shard are not finite in {self.dtype}")
        keys = np.ascontiguousarray(keys, "<i4")
        data = save({"keys": keys, self.answers: np.ascontiguousarray(kept)})
        file = f"shard-{len(self.shards):05d}.safetensors"
        write_atomic(os.path.join(self.folder, file), data)
        self.shards.append(
            {
                **{"file": file, "rows": len(keys), "bytes": len(data)},
                **{"sha256": hashlib.sha256(data).hexdigest(), "keys": hashlib.sha256(keys.tobytes()).hexdigest()},
            }
        )

    def finish(self):
        rows = sum(shard["rows"] for shard in self.shards)
        manifest = {"format": FORMAT, "version": VERSION, **self.facts, "complete": True, "rows": rows, "shards": self.shards}
        write_atomic(os.path.join(self.folder, MANIFEST), (json.dumps(manifest, indent=1) + "\n").encode())


def teacher_facts(folder):
    """By what tinystill tells teachers apart: SHA-256 of weights, config.json and the tokenizer's file."""

    def at(name):
        return os.path.join(folder, name)

    tokenizer = "tokenizer.json" if os.path.exists(at("tokenizer.json")) else "vocab.txt"
    need(os.path.exists(at(tokenizer)), folder, "has no tokenizer.json or vocab.txt")
    weights = at("model.safetensors")
    if os.path.exists(weights):
        own = sha256_of(weights)
    else:
        need(os.path.exists(weights + ".index.json"), folder, "has no model.safetensors, which its teacher is known by. Save it again by save_pretrained")
        files = dict.fromkeys(read_json(weights + ".index.json")["weight_map"].values())
        own = hashlib.sha256("\n".join(f"{name} {sha256_of(at(name))}" for name in files).encode()).hexdigest()
    return {"folder": folder, "weights": own, "config": sha256_of(at("config.json")), "tokenizer": sha256_of(at(tokenizer))}


def check(folder):
    cache = Cache(folder)
    for _ in cache.by_shard(np.arange(len(cache))):
        pass
    manifest = cache.manifest
    print(f"{folder}: {len(cache):,} rows in {len(manifest['shards'])} shards, all as cache.json says; teacher {manifest['teacher']['folder']}")
    need(manifest["complete"], folder, "is not complete. Go on with tinystill label --resume")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 tinystill_cache.py CACHE")
    try:
        check(sys.argv[1])
    except CacheError as error:
        sys.exit(f"tinystill_cache: {error}")
