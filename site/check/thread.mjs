// A cell's worker in Node: what the browser's has, and the module.
import { parentPort, workerData } from 'node:worker_threads'

globalThis.postMessage = (message) => parentPort.postMessage(message)
await import(workerData)
