// What is told of a training while it goes: a line with its loss and speed, and the steps that were left out.
import type { Figures, StepReport } from '../../train/reports.js'
import type { FitOptions } from '../../train/trainer.js'
import type { Place } from './board.js'
import type { Context } from './command.js'
import { shownFigure } from './figures.js'
import type { RunFolder } from './run-folder.js'
import { skippedNotes } from './skipped.js'
import { count } from './table.js'

/** For fit's onStep. `more`: fields before the loss. A run that goes on counts its speed from where it goes on. */
export function trainingProgress(
  label: string,
  { progress, now }: Pick<Context, 'progress' | 'now'>,
  more: (report: StepReport) => Record<string, string> = () => ({}),
): (report: StepReport) => void {
  let began: number | null = null
  let tokens = 0
  const noteSkipped = skippedNotes(progress)
  return (report) => {
    if (began === null) {
      progress.start(label, report.total)
      began = now()
    }
    tokens += report.tokens
    noteSkipped(report)
    progress.update(report.step, {
      ...more(report),
      loss: report.loss.toFixed(4),
      'tokens/s': count((tokens * 1000) / Math.max(1, now() - began)),
    })
  }
}

const lineOf = (figures: Figures) =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${shownFigure(name, value)}`)
    .join(', ')

/** For fit(): a training of a run is kept in its folder under `name`, and told while it goes. `of`: whose it is, where there are several. */
export function watched(
  run: RunFolder,
  context: Context,
  { name, label, epochs, of = {} }: { name: string; label: string; epochs?: number | undefined; of?: Place },
): Pick<FitOptions, 'store' | 'onStep' | 'onEvaluation'> {
  const tell = trainingProgress(label, context, ({ epoch }) => ({
    epoch: epochs === undefined ? `${epoch}` : `${epoch}/${epochs}`,
  }))
  return {
    store: run.state.training(name),
    onStep: (report) => {
      run.step(report, of)
      tell(report)
    },
    onEvaluation: (report) => {
      run.evaluation(report, of)
      const told = lineOf(report.figures)
      if (told === '') return
      context.progress.note(
        `epoch ${report.epoch}, batch ${report.step}: ${told}${report.best ? '' : ', no better'}`,
      )
    },
  }
}
