// tinystill/node: what needs a file system. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { readBytes, readText, writeAtomic } from '../nn/io/files.js'
export { loadTextModel, saveTextModel, type TextModel } from '../nn/io/folder.js'
export { readWordnet } from '../nn/text/wordnet.js'
