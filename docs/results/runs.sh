#!/usr/bin/env bash
# The runs of docs/results: two real tasks, a real teacher. A run that was ended is gone on with by the same command.
# usage: docs/results/runs.sh sst2 DATA OUT | wordnet OUT
#   DATA: a folder with train.tsv, dev.tsv, test.tsv of SST-2 (sentence TAB label) and phrases.tsv, the training file of GLUE.
#   TINYSTILL_NODE: another Node than the one on the path. TINYSTILL_FLAGS: more options, as --threads 1.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
model="$root/models/all-MiniLM-L6-v2" # npm run fetch:minilm
tinystill() { "${TINYSTILL_NODE:-node}" "$root/dist/cli/bin.js" "$@" --resume --quiet ${TINYSTILL_FLAGS:-}; }

# The settings of the PyTorch runs beside which these stand: decay on all parameters, the last weights count. The lone student's
# too, which settings at the top leave as it is.
settings() {
  printf 'epochs: %s\nlr: %s\ndecayAll: true\nkeep: last\n' "$1" "$2" >"$out/$3.yaml"
  printf 'stages:\n  alone: { epochs: %s, lr: %s, decayAll: true, keep: last }\n' "$1" "$2" >>"$out/$3.yaml"
}
# TinyBERT in small: equal heads, a depth that divides the teacher's.
student() {
  printf '{"model_type":"bert","hidden_size":192,"num_hidden_layers":3,"num_attention_heads":12,"intermediate_size":768,"max_position_embeddings":128}\n' >"$out/student.json"
  printf 'decayAll: true\nstages:\n  intermediate: { epochs: 3, lr: 5e-4, schedule: linear, warmup: 0.1, losses: { attention: { weight: 1 } } }\n  prediction: { epochs: 3, lr: 3e-4, keep: last }\n' >"$out/tinybert.yaml"
}

case "${1:-}" in
sst2)
  data=$2 out=$3 length=64
  mkdir -p "$out"
  sets=(--train "$data/train.tsv" --dev "$data/dev.tsv" --test "$data/test.tsv" --max-length "$length")
  settings 5 5e-4 small; settings 3 3e-5 half; settings 2 5e-4 soft; student
  tinystill train --model "$model" "${sets[@]}" --epochs 3 --lr 3e-5 --decay-all --keep last --out "$out/teacher"
  # Embeddings are drawn, as in the PyTorch runs.
  taught=(distill --teacher "$out/teacher" "${sets[@]}" --seeds 3 --embeddings new)
  head -n 3501 "$data/train.tsv" >"$out/part.tsv"
  tinystill "${taught[@]}" --recipe hinton --T 2 --alpha 0.9 --student tiny --config "$out/small.yaml" --baseline --out "$out/small"
  tinystill "${taught[@]}" --recipe hinton --T 2 --alpha 0.9 --from-layers 0,2,4 --config "$out/half.yaml" --baseline --out "$out/half"
  tinystill "${taught[@]}" --recipe hinton --T 2 --student tiny --transfer "$data/phrases.tsv" --config "$out/soft.yaml" --out "$out/soft"
  tinystill "${taught[@]}" --recipe tinybert --student "$out/student.json" --train "$out/part.tsv" --config "$out/tinybert.yaml" --ablate --out "$out/tinybert"
  ;;
wordnet)
  out=$2
  mkdir -p "$out"
  node "$root/scripts/wordnet-files.mjs" "$out/data"
  node "$root/scripts/wordnet-files.mjs" "$out/part" 3500
  held=(--dev "$out/data/dev.tsv" --test "$out/data/test.tsv" --max-length 32)
  settings 10 5e-4 small; settings 2 5e-4 soft; student
  tinystill train --model "$model" --train "$out/data/train.tsv" "${held[@]}" --epochs 3 --lr 5e-5 --out "$out/teacher"
  taught=(distill --teacher "$out/teacher" "${held[@]}" --seeds 3 --embeddings new)
  tinystill "${taught[@]}" --recipe hinton --T 2 --student tiny --train "$out/data/train.tsv" --transfer "$out/data/transfer.tsv" --config "$out/soft.yaml" --baseline --out "$out/soft" --seeds 1
  # The lone student of that run is the better of 2 epochs and of as many steps as the distilled one has; this one is the latter.
  tinystill train --model tiny --tokenizer "$out/teacher" --train "$out/data/train.tsv" "${held[@]}" --epochs 8 --lr 5e-4 --decay-all --keep last --out "$out/alone"
  tinystill "${taught[@]}" --recipe tinybert --student "$out/student.json" --train "$out/part/train.tsv" --config "$out/tinybert.yaml" --ablate --out "$out/tinybert"
  # Generation 0 and its descendants are of one size.
  tinystill train --model tiny --tokenizer "$out/teacher" --train "$out/part/train.tsv" "${held[@]}" --epochs 10 --lr 5e-4 --decay-all --keep last --out "$out/generation-0"
  tinystill distill --recipe born-again --teacher "$out/generation-0" --train "$out/part/train.tsv" "${held[@]}" --seeds 3 --config "$out/small.yaml" --baseline --out "$out/born-again"
  ;;
*)
  sed -n '3,5p' "$0" >&2
  exit 2
  ;;
esac
