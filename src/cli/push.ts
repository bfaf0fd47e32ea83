// tinystill push: a model's folder to the Hugging Face hub.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { TinystillError } from '../errors.js'
import { readText } from '../files/disk.js'
import { checkPushName, filesToPush, type Outgoing, push } from '../files/hub/push.js'
import { OWN_MODEL_TYPE } from '../files/models/folder.js'
import { readModelConfig, readModelFields } from '../files/models/on-disk.js'
import { architectureOf, isPythons, type Kind } from '../nn/models/family.js'
import { type HubCardFacts, hubCard } from '../report/hub-card.js'
import type { CommandSpec } from './shared/command.js'
import { bytes, duration, renderTable } from './shared/table.js'

interface PushOptions {
  args: string[]
  yes: boolean
  private: boolean
  also: string[]
  message: string
  endpoint: string
}

/** The hub's words for what a model is for. */
const tasks: Record<Kind, string> = {
  base: 'feature-extraction',
  'sequence-classification': 'text-classification',
  'token-classification': 'token-classification',
  'question-answering': 'question-answering',
  'masked-lm': 'fill-mask',
  'causal-lm': 'text-generation',
}

function factsOf(folder: string): Pick<HubCardFacts, 'architecture' | 'task' | 'labels' | 'python'> {
  const fields = readModelFields(folder)
  if (fields.get('model_type') === OWN_MODEL_TYPE)
    return {
      architecture: 'TextClassifier',
      task: 'text-classification',
      labels: fields.names('id2label'),
      python: false,
    }
  const { family, kinds, config } = readModelConfig(folder)
  const kind = kinds[0] ?? 'base'
  return {
    ...{ architecture: architectureOf(family, kind), task: tasks[kind] },
    labels: kind.endsWith('classification') ? config.labels : [],
    python:
      isPythons(family) &&
      ['model.safetensors', 'model.safetensors.index.json'].some((name) => existsSync(join(folder, name))),
  }
}

function planned(folder: string, id: string, also: readonly string[]): Outgoing[] {
  checkPushName(id)
  // The files are looked at first: a folder that is none is refused as such.
  const graphs = filesToPush(folder, '', also).flatMap(({ name }) => (name.endsWith('.onnx') ? [name] : []))
  const own = join(folder, 'README.md')
  const readme = existsSync(own) ? readText(own, 2 ** 22) : null
  return filesToPush(folder, hubCard({ id, readme, graphs, ...factsOf(folder) }), also)
}

export const pushCommand: CommandSpec<PushOptions> = {
  name: 'push',
  describe: "A model's folder to the Hugging Face hub; shows what would be sent, and sends it with --yes",
  options: (command: Command) =>
    command
      .argument('<dir>', 'folder of the model')
      .argument('<id>', 'its name on the hub, owner/name')
      .option('--yes', 'sends it; HF_TOKEN in the environment must be a token that may write', false)
      .option('--private', 'a model that is new there is seen by its owner alone', false)
      .addOption(
        new Option(
          '--also <names...>',
          "files of the folder that go too: a run's records and reports stay here, they hold paths and texts",
        ).default([], 'none'),
      )
      .option('--message <text>', 'of the commit', 'Upload from tinystill')
      .option('--endpoint <url>', 'the hub', process.env.HF_ENDPOINT || 'https://huggingface.co'),
  run: async (
    { args: [folder, id], yes, also, message, endpoint, ...options },
    { output, progress, now },
  ) => {
    const files = planned(folder, id, also)
    const total = files.reduce((n, file) => n + file.bytes, 0)
    output.print(
      renderTable(
        [{ title: 'file' }, { title: 'size', align: 'right' }],
        files.map(({ name, bytes: size }) => [name, bytes(size)]),
      ),
    )
    const summary = `${files.length} files, ${bytes(total)}, to ${id} on ${endpoint}`
    if (!yes) {
      output.json({
        folder,
        id,
        endpoint,
        sent: false,
        files: files.map(({ name, bytes: size }) => ({ name, bytes: size })),
      })
      output.print(
        `\nwould send ${summary}. Nothing was sent: add --yes. A model that is new there will be ${options.private ? 'private' : 'public'}`,
      )
      return
    }
    const token = process.env.HF_TOKEN
    if (!token)
      throw new TinystillError(
        'push: HF_TOKEN is not set',
        "Make a token that may write at the hub's settings and set it in the environment; there is no option for it, because others see a command's options",
      )
    const began = now()
    progress.start(`pushing ${id}`, total)
    const shares = new Map<string, number>()
    const pushed = await push({
      ...{ id, files, token, private: options.private, message, endpoint },
      onProgress: (name, share) => {
        shares.set(name, share)
        const done = files.reduce((n, file) => n + file.bytes * (shares.get(file.name) ?? 0), 0)
        progress.update(Math.round(done), { bytes: `${bytes(done)} of ${bytes(total)}` })
      },
    })
    progress.finish('')
    output.json({ folder, endpoint, sent: true, ...pushed })
    output.print(
      `\nsent ${summary} as commit ${pushed.commit.slice(0, 12)} in ${duration((now() - began) / 1000)}; the hub lists the same sizes and hashes\n${pushed.url}`,
    )
  },
}
