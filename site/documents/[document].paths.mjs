import { documentPages } from '../pages/documents.mjs'
import { paths } from '../pages/read.mjs'

export default paths('document', documentPages)
