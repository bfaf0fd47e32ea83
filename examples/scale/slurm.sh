#!/usr/bin/env bash
# Slurm job array. UNTRIED: no cluster was at hand; written from Slurm's documentation.
# tinystill split --data F --out PARTS
# sbatch --array=0-$(( $(ls PARTS | grep -c '^part-[0-9]*\.jsonl$') - 1 ))%64 --export=ALL,TEACHER=...,PARTS=...,CACHES=... slurm.sh
# Then, when all have ended: tinystill join --parts PARTS --caches CACHES --out OUT
#SBATCH --job-name=label
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=01:00:00
#SBATCH --requeue
set -euo pipefail
# The number of the part comes from SLURM_ARRAY_TASK_ID. A node that is lost has its task queued again: it begins its part anew.
srun npx tinystill label --teacher "$TEACHER" --parts "$PARTS" --out "$CACHES" --threads "$SLURM_CPUS_PER_TASK" --quiet
