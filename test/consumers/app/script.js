import { train } from './train.js'

console.log(train())
