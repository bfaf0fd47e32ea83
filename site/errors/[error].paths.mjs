import { errorPages } from '../pages/errors.mjs'
import { paths } from '../pages/read.mjs'

export default paths('error', errorPages)
