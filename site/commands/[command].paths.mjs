import { commandPages } from '../pages/commands.mjs'
import { paths } from '../pages/read.mjs'

export default paths('command', commandPages)
