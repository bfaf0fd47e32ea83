// All commands, in the order of the help.
import { augmentCommand } from './augment/augment.js'
import { compressCommand } from './compress/compress.js'
import { demoCommand } from './demo/demo.js'
import { distillCommand } from './distill/distill.js'
import { doctorCommand } from './doctor.js'
import { searchCommand } from './embed/search.js'
import { evalCommand } from './eval.js'
import { exportTrainingCommand } from './handover/export-training.js'
import { inspectCommand } from './inspect.js'
import { joinCommand } from './join.js'
import { labelCommand } from './label/label.js'
import { generateCommand } from './language/generate.js'
import { mnistCommand } from './mnist.js'
import { exportCommand } from './onnx/export.js'
import { importCommand } from './onnx/import.js'
import { predictCommand } from './predict.js'
import { pruneCommand } from './prune/prune.js'
import { pullCommand } from './pull.js'
import { pushCommand } from './push.js'
import { quantizeCommand } from './quantize/quantize.js'
import { addCommand, drainCommand, statusCommand } from './queue/queue.js'
import { workCommand } from './queue/work.js'
import { runCommand } from './run/run.js'
import type { CommandSpec } from './shared/command.js'
import { shrinkCommand } from './shrink/shrink.js'
import { splitCommand } from './split.js'
import { sweepCommand } from './sweep/sweep.js'
import { tensorboardCommand } from './tensorboard.js'
import { trainCommand } from './train/train.js'

/** A command whose own options are known only to itself. */
type AnyCommand = CommandSpec<never>

/** Of commands of two words, what the first one is. */
export const groups: Readonly<Record<string, string>> = {
  queue: 'A job queue that hands out the parts of a split and the runs of a sweep: add, status, drain',
}

export const commands: AnyCommand[] = [
  demoCommand,
  trainCommand,
  labelCommand,
  splitCommand,
  joinCommand,
  addCommand,
  statusCommand,
  drainCommand,
  workCommand,
  augmentCommand,
  distillCommand,
  exportTrainingCommand,
  runCommand,
  sweepCommand,
  evalCommand,
  predictCommand,
  searchCommand,
  generateCommand,
  compressCommand,
  shrinkCommand,
  pruneCommand,
  quantizeCommand,
  exportCommand,
  importCommand,
  mnistCommand,
  inspectCommand,
  tensorboardCommand,
  pullCommand,
  pushCommand,
  doctorCommand,
]
