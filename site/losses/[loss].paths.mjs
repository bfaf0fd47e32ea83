import { lossPages } from '../pages/losses.mjs'
import { paths } from '../pages/read.mjs'

export default paths('loss', lossPages)
