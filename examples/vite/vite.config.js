// Two headers let the worker's engine use threads; whoever serves the built page sends them too.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default {
  server: { headers, fs: { allow: ['..'] } },
  preview: { headers },
  worker: { format: 'es' },
}
