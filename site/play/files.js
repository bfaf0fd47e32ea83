// What a reader drops: data files and the folders of models, as bytes by their names. Everything in them is text to the page.

/** A model's folder of more than this would not fit into the tab beside its gradients. */
const LARGEST = 1.5 * 2 ** 30

const dataFile = /\.(tsv|csv|jsonl|ndjson|json|txt)$/i
const PARTS =
  /^(config\.json|model.*\.safetensors|model\.safetensors\.index\.json|quantiz.*|tokenizer.*\.json|special_tokens_map\.json|added_tokens\.json|vocab\.txt|classes\.json)$/

/** Files of a drop, those in folders too: [{ path, file }]. */
export async function dropped(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (entries.length === 0) return Array.from(transfer.files, (file) => ({ path: file.name, file }))
  const found = []
  const walk = async (entry, folder) => {
    if (entry.isFile)
      found.push({
        path: folder + entry.name,
        file: await new Promise((resolve, reject) => entry.file(resolve, reject)),
      })
    else {
      const reader = entry.createReader()
      for (;;) {
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
        if (some.length === 0) break
        for (const one of some) await walk(one, `${folder}${entry.name}/`)
      }
    }
  }
  for (const entry of entries) await walk(entry, '')
  return found
}

export const chosen = (input) =>
  Array.from(input.files, (file) => ({ path: file.webkitRelativePath || file.name, file }))

const isFolder = (found) => found.some(({ path }) => path.includes('/'))

/** 'data' or 'model'. */
export const kindOf = (found) =>
  !isFolder(found) &&
  found.length === 1 &&
  dataFile.test(found[0].path) &&
  !/^(config|tokenizer)/.test(found[0].path)
    ? 'data'
    : 'model'

/** The files of a model at the top of the folder, by their names. Throws where they are too large. */
export async function modelFiles(found) {
  const depth = Math.min(...found.map(({ path }) => path.split('/').length))
  const top = found.filter(({ path }) => path.split('/').length === depth)
  const name = ({ path }) => path.split('/').at(-1)
  const own = top.filter((one) => PARTS.test(name(one)))
  const size = own.reduce((sum, { file }) => sum + file.size, 0)
  if (size > LARGEST)
    throw new RangeError(
      `the folder holds ${Math.round(size / 2 ** 20)} MB, at most ${LARGEST / 2 ** 20} fit here`,
    )
  const files = await Promise.all(
    own.map(async (one) => [name(one), new Uint8Array(await one.file.arrayBuffer())]),
  )
  // Of the rest the names are enough to say what the folder is.
  const rest = top.filter((one) => !own.includes(one)).map((one) => [name(one), new Uint8Array(0)])
  return Object.fromEntries([...rest, ...files])
}
