# Ray: a task a part, on a cluster with one disk. Tried with ray 2.60 on one machine by scripts/check-scale.mjs, which runs this
# file. On a busy one Ray may not come up: its raylet waits 15 s for its agent.
# pip install ray; python ray_label.py --teacher DIR --parts DIR --caches DIR --out DIR
# A task whose worker or node is lost is tried again by Ray, one that fails by retry_exceptions. If the head is lost, run it again.
import argparse
import json
import os
import shlex
import subprocess

import ray

options = argparse.ArgumentParser()
for name in ('teacher', 'parts', 'caches', 'out'):
    options.add_argument(f'--{name}', required=True, type=os.path.abspath)
options.add_argument('--tinystill', default='npx tinystill', help='how the command is started')
asked = options.parse_args()
tinystill = shlex.split(asked.tinystill)


@ray.remote(num_cpus=1, max_retries=3, retry_exceptions=True)
def label(part):
    words = ['label', '--teacher', asked.teacher, '--parts', asked.parts, '--part', str(part), '--out', asked.caches]
    done = subprocess.run([*tinystill, *words, '--threads', '1', '--quiet'], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'part {part}: {done.stderr.strip()}')
    return part


with open(os.path.join(asked.parts, 'plan.json')) as file:
    parts = len(json.load(file)['parts'])
ray.init()
left, failed = [label.remote(part) for part in range(parts)], []
while left:
    [one], left = ray.wait(left)
    try:
        ray.get(one)
    except Exception as error:
        failed.append(str(error).splitlines()[-1])
if failed:
    raise SystemExit('\n'.join([f'{len(failed)} of {parts} parts failed', *failed]))
subprocess.run([*tinystill, 'join', '--parts', asked.parts, '--caches', asked.caches, '--out', asked.out], check=True)
