import { apiPages } from '../pages/api.mjs'
import { paths } from '../pages/read.mjs'

export default paths('api', apiPages)
