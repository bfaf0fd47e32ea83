"""Random tables as pandas writes them, in every quoting mode of csv: tables.json beside this file.

python test/golden/tables.py            40 tables for the tests
python test/golden/tables.py 1000 FILE  more, for TINYSTILL_TABLES=FILE npx vitest run test/text/tables.test.ts
"""

import csv
import io
import json
import random
import sys
from pathlib import Path

import pandas as pd

MODES = ["QUOTE_MINIMAL", "QUOTE_ALL", "QUOTE_NONNUMERIC", "QUOTE_NONE", "QUOTE_STRINGS", "QUOTE_NOTNULL"]
# The last two are there from Python 3.12 on.
MODES = [mode for mode in MODES if hasattr(csv, mode)]
PIECES = ["a", "fine", "film", "北京", "é", "it's", "--", "3.5", "1", "label", "#"]
SPECIAL = ['"', '""', "\t", ",", ";", "\n", "\\", " ", "'", "|", "\r"]


def text(roll, special):
    while True:
        parts = []
        for _ in range(roll.randint(1, 8)):
            parts.append(roll.choice(special) if special and roll.random() < 0.25 else roll.choice(PIECES))
            if roll.random() < 0.6:
                parts.append(" ")
        # A line end inside a field is LF, whatever it was.
        made = "".join(parts).replace("\r\n", "\n")
        if made.strip():
            return made


def table(seed):
    roll = random.Random(seed)
    mode = MODES[seed % len(MODES)]
    sep = roll.choice(["\t", "\t", ",", ";"])
    escape = roll.random() < 0.5 if mode == "QUOTE_NONE" else roll.random() < 0.15
    special = SPECIAL if roll.random() < 0.8 and (mode != "QUOTE_NONE" or escape) else None
    if special and escape:
        # Nothing tells two backslashes that stand for one from two that are the text's own.
        special = [c for c in special if c != "\\"]
    rows = roll.choice([1, 2, 3, 5, 8, 30])
    numbers = roll.random() < 0.5
    columns = {"text": [text(roll, special) for _ in range(rows)]}
    if roll.random() < 0.3:
        columns["text_b"] = [text(roll, special) for _ in range(rows)]
    columns["label"] = [roll.randint(0, 3) if numbers else roll.choice(["yes", "no", "may be"]) for _ in range(rows)]
    if mode == "QUOTE_NONE" and not escape:
        # Nothing to escape may be in it.
        for name in ("text", "text_b"):
            columns[name] = [t.replace('"', "'") for t in columns[name]] if name in columns else None
        columns = {name: values for name, values in columns.items() if values}
    frame = pd.DataFrame(columns)
    header = sep != "\t" or not numbers or roll.random() < 0.8
    options = {
        "sep": sep,
        "header": header,
        "index": header and roll.random() < 0.3,
        "quoting": getattr(csv, mode),
        "lineterminator": roll.choice(["\n", "\n", "\r\n"]),
    }
    if escape:
        options |= {"escapechar": "\\", "doublequote": mode == "QUOTE_NONE"}
    out = io.StringIO(newline="")
    frame.to_csv(out, **options)
    wanted = [
        [row["text"], row.get("text_b"), str(row["label"])] for row in frame.to_dict(orient="records")
    ]
    how = f"{mode} {json.dumps(sep)}{' escapechar' if escape else ''}{' index' if options['index'] else ''}{'' if header else ' no header'}"
    return {"how": how, "ending": "tsv" if sep == "\t" else "csv", "content": out.getvalue(), "rows": wanted}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 42
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".json")
    tables = [table(seed) for seed in range(count)]
    lines = ",\n".join(json.dumps(t, ensure_ascii=False, separators=(",", ":")) for t in tables)
    file.write_text(f'{{"pandas":"{pd.__version__}","tables":[\n{lines}\n]}}\n', encoding="utf8")


main()
