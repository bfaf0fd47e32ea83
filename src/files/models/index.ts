// tinystill/models. Names only, no logic. Browsers get browser.ts in its place: see `exports` in package.json.
import '../../autograd/methods.js' // gives tensors their methods

export { fromPretrained, savePretrained } from './from-pretrained.js'
export * from './shown.js'
