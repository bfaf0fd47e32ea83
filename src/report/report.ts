// The report of a run as one HTML file: nothing loaded, every text escaped, and a policy under which only its own style
// and script count. It must open from a disk, on a phone and on paper, and stay harmless when texts are hostile.
import { type Chart, lineChart } from './chart.js'
import { type AttentionView, attentionView } from './page/attention.js'
import { bars, type ReportBars } from './page/bars.js'
import { type HeatMap, heatMap } from './page/heat.js'
import { contentPolicy } from './page/policy.js'
import { PAGE_SCRIPT } from './page/script.js'
import { PAGE_STYLE } from './page/style.js'
import { type ReportTable, table } from './page/table.js'
import { type TemperedText, temperatureSlider } from './page/temperature.js'
import { type Scatter, scatterChart } from './scatter.js'
import { CHART_STYLE, escapeText } from './svg.js'

/** Lines or points. */
export type AnyChart = Chart | Scatter

/** A part of a report under a title of its own. What it has of these stands in this order. */
export interface ReportSection {
  title: string
  text?: string
  charts?: AnyChart[]
  table?: ReportTable
  bars?: ReportBars
  heat?: HeatMap
  /** Soft targets with a temperature to turn. */
  temperature?: TemperedText[]
  attention?: AttentionView
}

/** What renderReport() writes. */
export interface Report {
  title: string
  intro: string
  table: ReportTable
  charts: AnyChart[]
  sections: ReportSection[]
  /** Name and value of what one needs to run it again: seed, versions, times. */
  facts: [string, string][]
}

const paragraph = (text: string) => `<p>${escapeText(text)}</p>`

function charts(all: readonly AnyChart[]): string {
  const each = all.map((c) => `<figure>${'points' in c ? scatterChart(c) : lineChart(c)}</figure>`)
  return `<div class="charts">${each.join('\n')}</div>`
}

function section(s: ReportSection): string {
  const parts = [
    `<h2>${escapeText(s.title)}</h2>`,
    s.text === undefined ? '' : paragraph(s.text),
    s.charts ? charts(s.charts) : '',
    s.table ? table(s.table) : '',
    s.bars ? bars(s.bars) : '',
    s.heat ? heatMap(s.heat) : '',
    s.temperature ? temperatureSlider(s.temperature) : '',
    s.attention ? attentionView(s.attention) : '',
  ]
  return `<section>${parts.join('\n')}</section>`
}

/**
 * The whole document: one HTML file that loads nothing, under a policy that lets nothing run but its own style and script. Any text
 * is safe in it. Same report, same bytes.
 */
export function renderReport(r: Report): string {
  const facts = r.facts.map(([name, value]) => `<dt>${escapeText(name)}</dt><dd>${escapeText(value)}</dd>`)
  const scripts = r.sections.some((s) => s.temperature || s.attention) ? [PAGE_SCRIPT] : []
  return [
    '<!DOCTYPE html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${contentPolicy([PAGE_STYLE, CHART_STYLE], scripts)}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeText(r.title)}</title>`,
    `<style>${PAGE_STYLE}</style><style>${CHART_STYLE}</style></head><body><main>`,
    `<h1>${escapeText(r.title)}</h1>`,
    paragraph(r.intro),
    table(r.table),
    charts(r.charts),
    ...r.sections.map(section),
    `<section><h2>About this run</h2><dl>${facts.join('\n')}</dl></section>`,
    '</main>',
    ...scripts.map((script) => `<script>${script}</script>`),
    '</body></html>',
    '',
  ].join('\n')
}
