#!/usr/bin/env bash
# A sandboxed processor of BullMQ, a process of its own, goes on for ever when its worker is killed in the middle of a job: it takes
# a core and ignores SIGTERM. It fails to send its result, then to send that it failed; that rejection nobody awaits, so Node makes
# an uncaught exception of it, whose handler (dist/cjs/classes/main-base.js) sends that too, fails, and so on: all of it without a
# turn of the event loop, so that neither 'disconnect' nor a signal is ever heard. No Redis is needed to see it.
# A processor file gets rid of it by: process.on('unhandledRejection', () => process.exit(1)).
# Seen with bullmq 6.7.0, Node 20.20 on Linux. Downloads it into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill -9 "$(cat "$folder/child" 2>/dev/null)" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --ignore-scripts --omit=optional bullmq@6.7.0
cat >processor.cjs <<'JS'
// A job of three seconds that gives the event loop no turn, as computing does.
module.exports = async () => {
  for (const end = Date.now() + 3000; Date.now() < end; );
}
JS
cat >worker.cjs <<'JS'
// What BullMQ's worker does: it starts the child, and sends it a job.
const child = require('node:child_process').fork(require.resolve('bullmq/dist/cjs/classes/main.js'))
require('node:fs').writeFileSync('child', String(child.pid))
child.on('message', ({ cmd }) => {
  // 4: it is ready. 1: begin.
  if (cmd !== 4) return
  child.send({ cmd: 1, job: { data: '{}', returnvalue: '{}', opts: {} }, token: '' })
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1500)
})
child.send({ cmd: 0, value: require.resolve('./processor.cjs') })
JS
node worker.cjs || true
child=$(cat child)
used() { awk '{ print $14 + $15 }' "/proc/$child/stat"; }
sleep 10
before=$(used)
sleep 3
kill -TERM "$child"
sleep 3
after=$(used)
echo "its worker is killed, and 16 s later, after SIGTERM, process $child lives; it used $((after - before)) ticks of the processor in the last 6 s"
[ "$((after - before))" -gt 20 ]
echo "as described"
