# Spark: mapPartitions over the numbers of the parts; the workers have one disk. Tried with pyspark 4.3 in local[2,4] by
# `npm run check:scale`. pip install pyspark; spark-submit or python spark_label.py --teacher DIR --parts DIR --caches DIR --out DIR
# local[2] tries nothing again, local[2,4] each task up to four times, as a cluster does (spark.task.maxFailures).
import argparse
import json
import os
import shlex
import subprocess

from pyspark.sql import SparkSession

options = argparse.ArgumentParser()
for name in ('teacher', 'parts', 'caches', 'out'):
    options.add_argument(f'--{name}', required=True, type=os.path.abspath)
options.add_argument('--master', default='local[2,4]')
options.add_argument('--tinystill', default='npx tinystill', help='how the command is started')
asked = options.parse_args()
tinystill = shlex.split(asked.tinystill)


def label(numbers):
    for part in numbers:
        words = ['label', '--teacher', asked.teacher, '--parts', asked.parts, '--part', str(part), '--out', asked.caches]
        done = subprocess.run([*tinystill, *words, '--threads', '1', '--quiet'], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f'part {part}: {done.stderr.strip()}')
        yield part


with open(os.path.join(asked.parts, 'plan.json')) as file:
    parts = len(json.load(file)['parts'])
spark = SparkSession.builder.master(asked.master).appName('label').config('spark.ui.enabled', 'false').getOrCreate()
spark.sparkContext.setLogLevel('ERROR')
# A partition a part: one that fails is tried again alone. A part that fails for good ends the job; run it again when it is mended.
spark.sparkContext.parallelize(range(parts), parts).mapPartitions(label).count()
spark.stop()
subprocess.run([*tinystill, 'join', '--parts', asked.parts, '--caches', asked.caches, '--out', asked.out], check=True)
