#!/usr/bin/env bash
# GNU parallel, on one machine or, with --sshlogin, on several with one disk. Tried: scripts/check-scale.mjs runs this file.
# TEACHER=dir PARTS=dir CACHES=dir OUT=dir JOBS=2 bash parallel.sh
set -euo pipefail
TINYSTILL=${TINYSTILL:-npx tinystill}
last=$(( $(ls "$PARTS" | grep -c '^part-[0-9]*\.jsonl$') - 1 ))
# Each process is one part, on its own share of the cores. A part that fails is tried twice more; what is published is passed over.
seq 0 "$last" | parallel --jobs "${JOBS:-2}" --retries 3 --halt never \
  "$TINYSTILL label --teacher '$TEACHER' --parts '$PARTS' --part {} --out '$CACHES' --threads 1 --quiet"
$TINYSTILL join --parts "$PARTS" --caches "$CACHES" --out "$OUT"
