// What a page needs besides the trainings' own state (tinystill/worker's `keep`) to go on where its tab was closed: settings,
// data, a dropped teacher and the curves, beside that state in the origin's private files. In a worker, as only they may write
// there everywhere. What is read is a stranger's until it was checked; null stands for all that is none.
import { Curves } from './curves.js'
import { usual, valuesIn } from './settings.js'

/** The folder that the trainings keep their state in too. */
export const KEPT = 'tinystill-play'
const [RUN, CURVES] = ['run', 'curves']
/** Digits of the length of what is said, which come before it; the teacher's bytes come behind. */
const DIGITS = 12
const LONGEST = 2 ** 28

const root = () => navigator.storage.getDirectory()
const folder = async (create) => (await root()).getDirectoryHandle(KEPT, { create })

async function write(name, parts) {
  const file = await (await folder(true)).getFileHandle(name, { create: true })
  const handle = await file.createSyncAccessHandle()
  try {
    handle.truncate(0)
    let at = 0
    for (const part of parts) at += handle.write(part, { at })
    handle.flush()
  } finally {
    handle.close()
  }
}

async function read(name) {
  return (await (await folder(false)).getFileHandle(name)).getFile()
}

const packed = (value) => new TextEncoder().encode(JSON.stringify(value))

const areTexts = (list, n) =>
  Array.isArray(list) && list.length === n && list.every((it) => typeof it === 'string')

function labelledIn(given) {
  const { texts, labels, pairs } = given ?? {}
  const n = texts?.length
  if (!areTexts(texts, n) || !areTexts(labels, n)) return null
  if (pairs === undefined || pairs === null) return { texts, labels }
  const are = Array.isArray(pairs) && pairs.length === n
  return are && pairs.every((it) => it === null || typeof it === 'string') ? { texts, labels, pairs } : null
}

/** Texts of a reader's own; null: none that are whole. */
function dataIn(given) {
  const [labelled, dev] = [labelledIn(given.labelled), labelledIn(given.dev)]
  const { name, transfer } = given
  if (labelled === null || dev === null || typeof name !== 'string' || !areTexts(transfer, transfer?.length))
    return null
  return { name, labelled, dev, transfer }
}

const isFile = (it) =>
  Array.isArray(it) && typeof it[0] === 'string' && Number.isSafeInteger(it[1]) && it[1] >= 0

function teacherIn(given) {
  const { name, files } = given
  return typeof name === 'string' && Array.isArray(files) && files.every(isFile) ? { name, files } : null
}

/** What the file says, without the teacher's bytes. */
async function said() {
  try {
    const file = await read(RUN)
    const length = Number(await file.slice(0, DIGITS).text())
    if (!(length > 0 && length <= LONGEST)) return null
    const { settings, data, teacher } = JSON.parse(await file.slice(DIGITS, DIGITS + length).text())
    const values = settings === '' ? usual() : valuesIn(String(settings))
    const own = { data: data && dataIn(data), teacher: teacher && teacherIn(teacher) }
    const lost = (data && own.data === null) || (teacher && own.teacher === null)
    return values === null || lost ? null : { ...own, values, rest: file.slice(DIGITS + length) }
  } catch {
    return null
  }
}

async function curvesThere() {
  try {
    return Curves.of(JSON.parse(await (await read(CURVES)).text())).state
  } catch {
    return new Curves().state
  }
}

/** Answers of the helper. */
export const kept = {
  /** Begins a run: whatever was kept is gone. `data` and `teacher` are null where they are the page's own. */
  async keep({ settings, data, teacher }) {
    await kept.forget()
    const files = Object.entries(teacher?.files ?? {})
    const sizes = files.map(([name, bytes]) => [name, bytes.length])
    const text = packed({ settings, data, teacher: teacher && { name: teacher.name, files: sizes } })
    const length = new TextEncoder().encode(String(text.length).padStart(DIGITS))
    await write(RUN, [length, text, ...files.map(([, bytes]) => bytes)])
    return true
  },
  keepCurves: (state) => write(CURVES, [packed(state)]),
  async forget() {
    try {
      await (await root()).removeEntry(KEPT, { recursive: true })
    } catch (error) {
      if (error.name !== 'NotFoundError') throw error
    }
  },
  /** What there is to go on with, in words of the page's; null: nothing. */
  async kept() {
    const run = await said()
    if (run === null) return null
    const { last } = await curvesThere()
    return { data: run.data?.name ?? 'WordNet', teacher: run.teacher?.name ?? null, last }
  },
  async keptRun() {
    const run = await said()
    if (run === null) return null
    const { values, data, teacher, rest } = run
    const bytes = new Uint8Array(await rest.arrayBuffer())
    let at = 0
    const files = teacher?.files.map(([name, size]) => {
      const own = bytes.slice(at, at + size)
      at += size
      return [name, own]
    })
    const whole = teacher === null || at === bytes.length
    return whole
      ? {
          values,
          data,
          teacher: teacher && { name: teacher.name, files: Object.fromEntries(files) },
          curves: await curvesThere(),
        }
      : null
  },
}
