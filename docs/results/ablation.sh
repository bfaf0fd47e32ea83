#!/usr/bin/env bash
# TinyBERT's ablation (Jiao et al. 2020, tables 2 and 3): the student of all parts, and without each in turn.
# A run that was ended is gone on with by the same command.
# usage: docs/results/ablation.sh DATA OUT TEXT...
#   DATA: a folder with train.tsv, dev.tsv, test.tsv (text TAB label, with a header). TEXT: files whose first column is plain text.
#   ROWS (2000) of train.tsv are learnt from, each with N (5) augmented ones. SEEDS (3). TEACHER: another teacher than the one
#   that is trained here. SETTINGS: JSON of sizes and paces, see scripts/ablation.mjs.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '4,7p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$1 out=$2
shift 2
node=${TINYSTILL_NODE:-node}
threads=(--threads "${THREADS:-1}")
tinystill() { "$node" "$root/dist/cli/bin.js" "$@" --resume --quiet "${threads[@]}"; }
mkdir -p "$out/data"
model=${MODEL:-$root/models/all-MiniLM-L6-v2} # npm run fetch:minilm
teacher=${TEACHER:-$out/teacher}
held=(--dev "$data/dev.tsv" --test "$data/test.tsv" --max-length 64)
[ -n "${TEACHER:-}" ] || tinystill train --model "$model" --train "$data/train.tsv" "${held[@]}" --out "$out/teacher"

cp "$data/dev.tsv" "$data/test.tsv" "$out/data/"
head -n $((${ROWS:-2000} + 1)) "$data/train.tsv" >"$out/data/train.tsv"
# Plain text: the first column of each file, each text once, the data's own among it.
for file in "$data/train.tsv" "$@"; do tail -n +2 "$file" | cut -f1; done | sed 's/^ *//; s/ *$//' | awk 'length > 9 && !seen[$0]++' >"$out/text.txt"

# What texts are varied with: a small model of masked words, of the data's own texts and a part of the others.
printf '{"model_type":"bert","hidden_size":128,"num_hidden_layers":2,"num_attention_heads":2,"intermediate_size":512,"max_position_embeddings":64}\n' >"$out/words.json"
[ -s "$out/words.txt" ] || { tail -n +2 "$data/train.tsv" | cut -f1; awk -v most="${WORDS:-12000}" 'NR % 9 == 0 && n++ < most' "$out/text.txt"; } >"$out/words.txt"
tinystill train --task mlm --model "$out/words.json" --tokenizer "$teacher" --train "$out/words.txt" --epochs "${WORD_EPOCHS:-4}" --lr 1e-3 --max-length 64 --out "$out/words"
tinystill augment --model "$out/words" --data "$out/data/train.tsv" --n "${N:-5}" --out "$out/more.tsv"

# TinyBERT in small: equal heads, a depth that divides the teacher's.
printf '{"model_type":"bert","hidden_size":192,"num_hidden_layers":3,"num_attention_heads":12,"intermediate_size":768,"max_position_embeddings":128}\n' >"$out/student.json"
"$node" "$root/scripts/ablation.mjs" --teacher "$teacher" --data "$out/data" --text "$out/text.txt" --more "$out/more.tsv" \
  --student "$out/student.json" --out "$out" --seeds "${SEEDS:-3}" "${threads[@]}" ${SETTINGS:+--settings "$SETTINGS"} | tee -a "$out/log.txt"
