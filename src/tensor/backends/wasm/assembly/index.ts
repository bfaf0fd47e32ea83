// The module's exports.
export { packB, gemmRows, gemmBatch, batchScratch } from './gemm'
