// js-pytorch's side of bench:peers: the matrix product alone. A training step of its decoder (the one transformer it has)
// took more than four minutes and 3.4 GB in this shape.
import { torch } from 'js-pytorch'
import { cannot, measure, work } from './measure.mjs'

const { what, m, k, n } = work
if (what !== 'matmul') cannot('a training step takes minutes and gigabytes')
const [a, b] = [torch.randn([m, k]), torch.randn([k, n])]
await measure(() => void torch.matmul(a, b))
