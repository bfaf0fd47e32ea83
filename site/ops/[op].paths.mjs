import { opPages } from '../pages/ops.mjs'
import { paths } from '../pages/read.mjs'

export default paths('op', opPages)
