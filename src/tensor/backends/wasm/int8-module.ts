// The compiled kernels of whole numbers: modules of their own, which only those load who have such weights.
import { int8Modules } from './generated.js'
import { loader } from './module.js'

/** Of the products of whole numbers, whose bits are the same in each. */
export type Int8Build = keyof typeof int8Modules
/** As it is said to people: 'wideDot'. */
export type Int8BuildName = Int8Build extends infer B
  ? B extends `int8${infer Name}`
    ? Uncapitalize<Name>
    : never
  : never

type ExportName = 'int8Quantize' | 'int8Product' | 'int8Gather' | 'int8ARow' | 'int8Aside' | 'int8TileRows'

/** As those of ./module.ts; assembly/int8 says which. */
export type Int8Exports = Record<ExportName, (...args: number[]) => number>

export const int8Loader = loader<Int8Build, Int8Exports>(int8Modules)
