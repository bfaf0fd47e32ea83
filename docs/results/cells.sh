#!/usr/bin/env bash
# What distillation gives for so many labelled rows and so many texts beside them, by the command's defaults: the table of small.md.
# A run that was ended is gone on with by the same command.
# usage: docs/results/cells.sh DATA TEACHER OUT [LABELLED+TRANSFER ...]
#   DATA: a folder with train.tsv, dev.tsv, test.tsv (text TAB label, with a header) and transfer.tsv (texts, with a header).
#   TEACHER: the folder of a classifier fine-tuned on these classes. SEEDS (3). TINYSTILL_FLAGS: more options, as --threads 1.
#   LONE=once: the lone student is trained in the first cell of so many labelled rows only, and stands for those behind it: up to
#   20,000 rows in all it would be the same to the byte, with 50,000 texts it would have more steps.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '4,8p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$1 teacher=$2 out=$3
shift 3
[ $# -gt 0 ] || set -- {500,2000,6000,20000}+{0,500,5000,50000}
tinystill() { "${TINYSTILL_NODE:-node}" "$root/dist/cli/bin.js" "$@" --resume --quiet ${TINYSTILL_FLAGS:-}; }
part() { head -n $(($2 + 1)) "$data/$1.tsv" >"$out/$1-$2.tsv"; }

mkdir -p "$out"
runs=() lone=
for cell in "$@"; do
  labelled=${cell%+*} transfer=${cell#*+}
  part train "$labelled"
  more=(--baseline)
  [ "${LONE:-}" != once ] || [ "$lone" != "$labelled" ] || more=()
  lone=$labelled
  [ "$transfer" = 0 ] || { part transfer "$transfer"; more+=(--transfer "$out/transfer-$transfer.tsv"); }
  tinystill distill --recipe hinton --student tiny --teacher "$teacher" --train "$out/train-$labelled.tsv" \
    --dev "$data/dev.tsv" --test "$data/test.tsv" --seeds "${SEEDS:-3}" --answers "$out/answers" --out "$out/$cell" "${more[@]}"
  runs+=("$out/$cell")
done
node "$root/scripts/cells.mjs" "${runs[@]}"
