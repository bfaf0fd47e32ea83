// The module's exports.
export { packB, gemmRows } from './gemm'
