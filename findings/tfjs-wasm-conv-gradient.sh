#!/usr/bin/env bash
# TensorFlow.js's WebAssembly backend has the gradient of a convolution for its image but not for its filters: conv2d runs,
# tf.grad by the image runs, and tf.grad by the filters stops with "Kernel 'Conv2DBackpropFilter' not registered". So a
# network with a convolution predicts on this backend and cannot be trained on it; the CPU backend, slower by far, can.
# Seen with @tensorflow/tfjs-core and tfjs-backend-wasm 4.22.0, Node 20 and 24. Downloads them into a temporary folder.
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-wasm@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-layers@4.22.0
cat >see.mjs <<'JS'
import assert from 'node:assert/strict'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-layers' // registers the gradients
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm'

const said = {}
for (const backend of ['cpu', 'wasm']) {
  await tf.setBackend(backend)
  await tf.ready()
  const [x, w] = [tf.ones([1, 5, 5, 2]), tf.ones([3, 3, 2, 4])]
  const attempt = (f) => {
    try {
      return f()
    } catch (error) {
      return error.message.split('\n')[0]
    }
  }
  said[backend] = {
    forward: attempt(() => String(tf.conv2d(x, w, 1, 'same').shape)),
    'by the image': attempt(() => String(tf.grad((image) => tf.sum(tf.conv2d(image, w, 1, 'same')))(x).shape)),
    'by the filters': attempt(() => String(tf.grad((filters) => tf.sum(tf.conv2d(x, filters, 1, 'same')))(w).shape)),
  }
}
console.log('tfjs', tf.version_core, said)
assert.equal(said.cpu['by the filters'], '3,3,2,4')
assert.equal(said.wasm.forward, said.cpu.forward)
assert.equal(said.wasm['by the image'], '1,5,5,2')
assert.match(said.wasm['by the filters'], /Conv2DBackpropFilter' not registered for backend 'wasm'/)
console.log('as described: a convolution predicts on wasm and cannot be trained there')
JS
node see.mjs 2>errors.txt || { cat errors.txt >&2; exit 1; }
