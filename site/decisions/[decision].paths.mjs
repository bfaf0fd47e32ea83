import { decisionPages } from '../pages/documents.mjs'
import { paths } from '../pages/read.mjs'

export default paths('decision', decisionPages)
