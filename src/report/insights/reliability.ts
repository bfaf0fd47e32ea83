// Whether probabilities can be believed: before distilling, after it, and with one temperature fitted on other rows.
import { fitTemperature, temperedLoss } from '../../train/calibration.js'
import { calibration, calibrationError } from '../../train/metrics.js'
import type { ReportSection } from '../report.js'
import { calibrationChart } from '../training-report.js'

/** logits [rows, classes] and labels [rows]. */
export interface Judged {
  logits: Float32Array
  labels: ArrayLike<number>
}

/** What reliability() compares. */
export interface Reliability {
  /** What the student is compared with: the lone student, or the teacher. */
  before: { name: string } & Judged
  /** The student, on the same rows. */
  after: { name: string } & Judged
  /** The student on other rows, which the temperature is fitted on; null: there are none, each second row serves for it. */
  fitting: Judged | null
  classes: number
}

/** Of a bin, so that its share says something. */
const FEWEST = 3

/** Every second row, from `first` on. */
function half({ logits, labels }: Judged, classes: number, first: 0 | 1): Judged {
  const rows = Array.from(labels, (_, i) => i).filter((i) => i % 2 === first)
  return {
    logits: Float32Array.from(
      rows.flatMap((r) => Array.from(logits.subarray(r * classes, (r + 1) * classes))),
    ),
    labels: rows.map((r) => labels[r]),
  }
}

/**
 * A section: reliability of both models, and of the student with the one temperature that fits it best. Guo et al. 2017,
 * arXiv 1706.04599, section 4.2.
 */
export function reliability({ before, after, fitting, classes }: Reliability): ReportSection {
  const own = fitting === null
  const fit = fitting ?? half(after, classes, 0)
  const shown = (judged: Judged) => (own ? half(judged, classes, 1) : judged)
  const T = fitTemperature(fit.logits, fit.labels, classes)
  const student = shown(after)
  const models = [
    { ...shown(before), name: before.name, T: 1 },
    { ...student, name: after.name, T: 1 },
    { ...student, name: after.name, T },
  ].map((m) => ({
    ...m,
    bins: calibration(
      m.logits.map((z) => z / m.T),
      m.labels,
      classes,
    ),
  }))
  return {
    title: 'Can its probabilities be believed?',
    text: `Temperature scaling divides the logits by one T, here ${T.toFixed(2)}, which gives the lowest loss on ${own ? 'the other half of these rows' : 'the dev set'}. It changes no answer. On the line, 80% means right in 80 of 100 cases; bins of fewer than ${FEWEST} rows are not drawn.`,
    charts: [
      {
        ...calibrationChart(
          models.map(({ name, T, bins }) => ({
            name: T === 1 ? name : `T = ${T.toFixed(2)}`,
            bins: bins.filter((b) => b.rows >= FEWEST),
          })),
        ),
        title: 'Reliability, before and after',
      },
    ],
    table: {
      columns: ['', 'T', 'calibration error', 'loss', 'rows'],
      rows: models.map((m) => [
        m.name,
        m.T.toFixed(2),
        `${(calibrationError(m.bins) * 100).toFixed(2)}%`,
        temperedLoss(m.logits, m.labels, classes, m.T),
        m.labels.length,
      ]),
    },
  }
}
