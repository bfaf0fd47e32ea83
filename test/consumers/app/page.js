import { train } from './train.js'

globalThis.said = train()
