// tinystill import: an ONNX file back into a model's folder.
import type { Command } from 'commander'
import { importOnnx } from '../../files/onnx/import.js'
import type { CommandSpec } from '../shared/command.js'
import { tellLeft } from '../shared/model-folder.js'
import { count } from '../shared/table.js'

interface ImportOptions {
  onnx: string
  out: string
  config?: string
}

export const importCommand: CommandSpec<ImportOptions> = {
  name: 'import',
  describe: 'The weights of an ONNX file of BERT, its kin or a BiLSTM back into a folder of a model',
  options: (command: Command) =>
    command
      .requiredOption(
        '--onnx <file>',
        "a float model's file: of tinystill export, torch.onnx.export or optimum; or whole numbers of tinystill export",
      )
      .requiredOption('--out <dir>', 'folder for the model')
      .option(
        '--config <dir>',
        "folder with the model's config.json and tokenizer; default that of the file, or the one above",
      ),
  run: async ({ onnx, out, config }, { output }) => {
    const { notes, ...found } = importOnnx({ file: onnx, out, config })
    for (const note of notes) output.info(`note: ${note}`)
    tellLeft(out, found.left, output)
    output.json({ onnx, out, ...found, notes })
    output.print(
      `wrote ${out}: ${found.architecture}, ${count(found.parameters)} parameters, from opset ${found.opset} of ${found.producer || 'an unnamed writer'}`,
    )
    output.print(
      `the graph was run beside the model on three texts: their answers differ by ${found.difference.largest.toPrecision(2)} of the largest`,
    )
  },
}
