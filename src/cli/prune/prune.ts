// tinystill prune: most weights of a model become 0, at once or while it is trained on, by its labels and a teacher.
import type { StagePruning } from '../../distill/plan/pruning.js'
import { besideMethods } from '../../distill/plan/variants.js'
import { TinystillError } from '../../errors.js'
import { classesOf } from '../../files/models/on-disk.js'
import { pruneMethods } from '../../nn/prune/methods.js'
import { everyTask } from '../../train/tagging/tasks.js'
import { distill } from '../distill/distill.js'
import { readJob } from '../distill/job.js'
import type { DistillOptions, PruneFlags } from '../distill/options.js'
import { pruningAsked } from '../distill/plan.js'
import type { Teacher } from '../distill/teachers.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { requireOther } from '../shared/model-folder.js'
import { given, goesWith, readingNames, settleBackend } from '../shared/options.js'
import { pruneOnce } from './once.js'
import { type PruneOptions, pruneOptions } from './options.js'

/** The options of this command by the names that a distillation has for them. */
const flagsOf = ({
  method,
  pattern,
  schedule,
  begin,
  hold,
  rounds,
  ...options
}: PruneOptions): PruneFlags => {
  // As its paper has it, from 0, a training of a few hundred steps ends at chance.
  const moves = method === 'movement' || options.beside?.includes('movement')
  const { scores = moves ? 'size' : undefined } = options
  const { sparsity, scoreLr, threshold, penalty } = options
  const asked = {
    ...{ prune: method, sparsity, prunePattern: pattern, pruneSchedule: schedule, pruneBegin: begin },
    ...{ pruneHold: hold, pruneRounds: rounds, scores, scoreLr, threshold, penalty },
  }
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
}

/** The same as a distillation by the recipe prune, whose student is the model, and without a teacher its own. */
function asDistillation(options: PruneOptions & CommonOptions & { train: string }): DistillOptions {
  const { model, teacher = model, alpha = options.teacher === undefined ? 0 : undefined } = options
  const { method: _, pattern, schedule, begin, hold, rounds, sparsity, ...rest } = options
  return {
    ...{ ...rest, ...flagsOf(options), recipe: 'prune', teacher: [teacher], student: model },
    ...{ embeddings: 'new', ablate: false, quick: false, ...(alpha !== undefined && { alpha }) },
  }
}

/** Of training. */
const OF_TRAINING = [
  ...(['teacher', 'T', 'alpha', 'transfer', 'schedule', 'begin', 'hold', 'steps', 'lr', 'warmup'] as const),
  ...(['baseline', 'beside', 'force', 'keepCheckpoints', 'tensorboard', 'answers'] as const),
]

/** Throws RangeError for options that go with others which are not there. */
function checkOptions(options: PruneOptions, training: boolean): void {
  const { teacher, alpha = 0, method, train, dev, test } = options
  goesWith(options, ['rounds'], '--method lottery', method === 'lottery')
  const learns = pruneMethods[method].by === 'scores' || options.beside?.includes('movement') === true
  goesWith(options, ['scores', 'scoreLr'], '--method movement', learns)
  goesWith(options, ['penalty', 'threshold'], '--method soft-movement', method === 'soft-movement')
  const compared: readonly string[] = besideMethods
  goesWith(options, ['beside'], `--method ${compared.join(', ')}`, compared.includes(method))
  if (options.beside?.some((own) => own === method))
    throw new RangeError(`--beside ${method}: is the method itself`)
  if (training) {
    goesWith(options, ['baseline'], '--teacher DIR, without which it trains', teacher !== undefined)
    goesWith(options, ['T', 'transfer', 'answers'], '--teacher DIR', teacher !== undefined || alpha > 0)
    return
  }
  const wanted = 'training: --train, and --epochs of 1 or more'
  goesWith(options, OF_TRAINING, wanted, false)
  if (options.seeds !== 1) throw new RangeError(`--seeds goes with ${wanted}`)
  if (train !== undefined && options.epochs === 0) return
  goesWith(options, readingNames, '--dev or --test', dev !== undefined || test !== undefined)
  goesWith(options, ['batchSize'], '--dev or --test', dev !== undefined || test !== undefined)
  if (dev !== undefined && test !== undefined)
    throw new RangeError('--dev and --test: without training one of them is judged, leave the other out')
}

/** Throws TinystillError for a teacher of other classes: the model's head, drawn anew, would have to learn them. */
function checkClasses(model: string, { folder, classes, problemType }: Teacher): void {
  const own = classesOf(model, everyTask[problemType].kind) ?? []
  if (own.length === classes.length && own.every((name) => classes.includes(name))) return
  throw new TinystillError(
    `${folder}: its classes are ${classes.join(', ')}, those of ${model} ${own.join(', ') || 'none'}`,
    'Take a teacher of the same classes, or leave it out',
  )
}

async function run(options: PruneOptions & CommonOptions, context: Context): Promise<void> {
  const { output } = context
  const { train, teacher, model, epochs } = options
  const training = train !== undefined && epochs !== 0
  checkOptions(options, training)
  requireOther(options.out, model)
  // Refused before anything is read.
  const pruning = pruningAsked(flagsOf(options)) as StagePruning
  if (!training) return await pruneOnce(options, { ...pruning, schedule: 'once' }, context)
  settleBackend(output)
  if (teacher === undefined) output.info('teacher, in what follows, is the model as it was')
  const models = given({ model, teacher })
  const job = readJob(asDistillation({ ...options, train }), output, { command: 'prune', options, models })
  checkClasses(model, job.sources.teachers[0])
  await distill(job, context)
}

export const pruneCommand: CommandSpec<PruneOptions> = {
  name: 'prune',
  describe:
    'Makes most weights of a model 0, the smallest or those that training moves there, at once or while it is trained on',
  options: pruneOptions,
  run,
}
