"""Small Parquet files as the hub, pandas and polars write them: in the folder parquet beside this file.

python test/golden/parquet.py
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(__file__).parent / "parquet"
OUT.mkdir(exist_ok=True)

texts = ["a fine film", "dull", 'she said "no"', "two\nlines", "北京", "a fine film"]
labels = [1, 0, 1, -1, 0, 1]
features = {"features": {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}}
hub = pa.table({"text": texts[:3], "label": pa.array(labels[:3], pa.int64())})
hub = hub.replace_schema_metadata({"huggingface": json.dumps({"info": features})})
pq.write_table(hub, OUT / "hub.parquet", compression="snappy", row_group_size=2)
unlabelled = pa.table({"text": texts, "label": pa.array(labels, pa.int64())}).replace_schema_metadata(
    {"huggingface": json.dumps({"info": features})}
)
pq.write_table(unlabelled, OUT / "unlabelled.parquet", compression="snappy")
pairs = pa.table(
    {"id": list(range(6)), "premise": texts, "hypothesis": [*texts[1:], None], "label": ["yes", "no"] * 3, "stars": [0.5] * 6}
)
for codec in ("none", "gzip", "zstd", "brotli", "lz4"):
    pq.write_table(pairs, OUT / f"pairs-{codec}.parquet", compression=codec, data_page_version="2.0" if codec == "zstd" else "1.0")
lists = pa.table({"text": texts[:2], "labels": [[1, 2], []]})
pq.write_table(lists, OUT / "lists.parquet")

# Lists of classes: names, numbers with the hub's names, and over several pages; and what is no list of values.
names = ["toxic", "obscene", "insult"]
sets = [[2, 0], [], None, [1], [0, 1, 2], []]
named = pa.table({"text": texts, "labels": [s and [names[i] for i in s] for s in sets]})
pq.write_table(named, OUT / "sets.parquet", compression="snappy", row_group_size=4)
column = {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}
hub = pa.table({"text": texts[:2], "labels": pa.array(sets[:2], pa.list_(pa.field("item", pa.int64(), nullable=False)))})
pq.write_table(
    hub.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {"labels": column}}})}),
    OUT / "sets-hub.parquet",
)
many = pa.table({"text": ["a"] * 300, "labels": [[i] * (i % 5) for i in range(300)]})
pq.write_table(many, OUT / "sets-pages.parquet", compression="gzip", data_page_size=64, write_batch_size=16, use_dictionary=False)
pq.write_table(pa.table({"text": texts[:1], "labels": [[[1], [2]]]}), OUT / "deep.parquet")
pq.write_table(pa.table({"text": texts[:1], "labels": [[{"a": 1}]]}), OUT / "structures.parquet")
