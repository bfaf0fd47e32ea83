// The one style sheet of a page. Its policy names the sheet's hash: no other style counts, in attributes neither.
import { colorVariables } from '../svg.js'

/** CSS of all parts but the charts, which bring CHART_STYLE. */
export const PAGE_STYLE = `${colorVariables(':root')}
:root{color-scheme:light dark;font:17px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
body{max-width:72rem;margin:0 auto;padding:1.5rem 1rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.2rem;line-height:1.3;margin:2.5rem 0 .5rem}
p{max-width:44rem;margin:.5rem 0;white-space:pre-line}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{padding:.4rem 1.2rem .4rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}
thead th{color:var(--soft);font-weight:500;vertical-align:bottom}
tbody th{font-weight:600}
.long tbody th{font-weight:400;min-width:16rem;overflow-wrap:anywhere}
.n{text-align:right;white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:2rem;margin:2rem 0}
figure{margin:0;max-width:40rem}
figure svg{display:block;width:100%;height:auto}
.bars{width:100%;max-width:44rem}
.bars caption{text-align:left;padding-bottom:.5rem;overflow-wrap:anywhere}
.bars tbody td{width:38%}
.one tbody td{width:62%}
.bar{display:block;width:100%;height:.6rem;margin-top:.2rem;border-radius:2px;background:var(--grid)}
.heat{display:block;max-width:none;height:auto}
.controls{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:1rem 0;align-items:center}
.controls select{font:inherit;max-width:min(70vw,22rem)}
.controls input{width:min(60vw,20rem);vertical-align:middle}
.soft-targets thead{display:none}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:2rem;margin:1rem 0}
.maps figcaption{color:var(--soft)}
.map .frame{fill:none;stroke:var(--grid)}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.3rem 1.5rem;margin:1rem 0}
dt{color:var(--soft)}
dd{margin:0}
@media (max-width:30rem){th,td{padding-right:.8rem}.long tbody th{min-width:10rem}}
@media print{:root{font-size:10pt}body{padding:0}.charts{grid-template-columns:1fr 1fr;gap:1rem}.controls{display:none}tr,figure,dl{break-inside:avoid}h2{break-after:avoid}}`
