// The exports of the int8 modules, which stand beside the float ones on the same memory.
export { int8Gather } from './gather'
export { int8ARow, int8Aside, int8Product, int8TileRows } from './product'
export { int8Quantize } from './quantize'
