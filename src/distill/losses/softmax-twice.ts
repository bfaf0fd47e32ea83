// A mistake that much code makes, kept to be compared with: probabilities p = softmax(z / T) are handed to PyTorch's
// CrossEntropyLoss, which wants logits and takes a softmax of its own, r = softmax(p), of numbers in [0, 1]. Of ten classes no r is
// above e / (e + 9) = 0.23 or below 1 / (e + 9) = 0.09, and the loss of a label lies between 1.46 and 2.46, however right it is.
//
// What it costs: the gradient at p is r - q, not 0 where p = q but where p = ln q + const. Where the teacher is surer than r can
// be there is no such p, and the student is driven to p of one class, its logits without end: what the teacher thinks of the
// others is lost, which is what soft targets are for. And the gradient at the logits has a factor p more, so that a student that
// is sure and wrong, to which the right loss gives its largest gradient, learns next to nothing.
import { kdLoss } from './kd.js'
import type { LossRecord } from './record.js'
import { softTargetLoss } from './soft-target.js'

export const softmaxTwice: LossRecord = {
  name: 'softmaxTwice',
  doc: 'Soft targets with probabilities taken for logits: a mistake, kept to be compared with.',
  math: '-\\frac{T^2}{N} \\sum_{n,c} q_{nc} \\ln r_{nc},\\ r = \\mathrm{softmax}(p),\\ p = \\mathrm{softmax}(z / T);\\quad \\bar z = \\frac{T}{N} p \\odot (d - \\langle p, d \\rangle),\\ d = r - q',
  source:
    "not Hinton, Vinyals and Dean 2015 (arXiv 1503.02531): PyTorch's CrossEntropyLoss, given a softmax for its logits",
  needs: ['logits', 'labels'],
  golden: {
    'seed-code': (t) => kdLoss(t.student, t.teacher, t.labels, { T: 3, alpha: 0.5, form: 'ce-twice' }),
    'seed-code.soft': (t) => softTargetLoss(t.student, t.teacher, { T: 3, form: 'ce-twice' }),
  },
}
