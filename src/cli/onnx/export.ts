// tinystill export: a model's folder for programs that do not run tinystill.
import { type Command, Option } from 'commander'
import { exportFolder, type OnnxDtype, onnxDtypes } from '../../files/onnx/export.js'
import type { OnnxInputs } from '../../formats/onnx/builder.js'
import type { CommandSpec } from '../shared/command.js'
import { bytes, count } from '../shared/table.js'

interface ExportOptions {
  model: string
  out: string
  format: 'onnx'
  dtype?: OnnxDtype
  inputs?: OnnxInputs
}

export const exportCommand: CommandSpec<ExportOptions> = {
  name: 'export',
  describe: 'A model as an ONNX file, in a folder that transformers.js loads; onnxruntime runs it anywhere',
  options: (command: Command) =>
    command
      .requiredOption('--model <dir>', 'folder of the model, float or quantized')
      .requiredOption('--out <dir>', "folder for the export; the model's own gets onnx/ beside what it has")
      .addOption(new Option('--format <name>', 'what it is written as').choices(['onnx']).default('onnx'))
      .addOption(
        new Option(
          '--dtype <name>',
          'weights as float32, float16, or whole numbers of 8 bits; default q8 of a quantized model, else fp32',
        ).choices(onnxDtypes),
      )
      .addOption(
        new Option(
          '--inputs <how>',
          'of q8: row, the default, a scale for each word, so that an answer does not depend on its batch, or tensor, one for all, which is faster and changes more answers',
        ).choices(['row', 'tensor']),
      ),
  run: async ({ model, out, dtype, inputs }, { output }) => {
    const { notes, ...made } = exportFolder({ model, out, dtype, ...(inputs && { inputs }) })
    for (const note of notes) output.info(`note: ${note}`)
    output.json({ model, out, ...made, notes })
    output.print(
      `wrote ${made.file}: ${made.dtype}, ${bytes(made.bytes)}, ${count(made.nodes)} operations; takes ${made.inputs.join(', ')}`,
    )
    const beside =
      made.dtype === 'q8' ? 'those of our own kernels, which round inputs otherwise' : "the model's"
    output.print(
      `read back and run on three texts of random words: its answers are off from ${beside}, by ${made.difference.whole.toPrecision(2)} of their size`,
    )
  },
}
