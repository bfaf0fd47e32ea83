// tinystill/report: the parts of report.html, each a function of plain data that gives SVG or HTML as text, in any runtime. Names
// only, no logic.

export { type Chart, lineChart, type Series } from './chart.js'
export { type Answers, disagreements } from './insights/disagreements.js'
export { type Judged, type Reliability, reliability } from './insights/reliability.js'
export { type Sample, softTargets, telling } from './insights/soft-targets.js'
export { type AttentionSide, type AttentionView, attentionView } from './page/attention.js'
export { bars, type ReportBars } from './page/bars.js'
export { type HeatMap, heatMap } from './page/heat.js'
export { PAGE_SCRIPT } from './page/script.js'
export { PAGE_STYLE } from './page/style.js'
export { type ReportTable, table } from './page/table.js'
export { type TemperedText, temperatureSlider } from './page/temperature.js'
export type { Labels } from './plane.js'
export { type AnyChart, type Report, type ReportSection, renderReport } from './report.js'
export { type Scatter, scatterChart } from './scatter.js'
export { CHART_STYLE, colorVariables, escapeText } from './svg.js'
export {
  calibrationChart,
  lossChart,
  smooth,
  type TrainingRecord,
  trainingReport,
} from './training-report.js'
