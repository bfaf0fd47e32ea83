// How weights are chosen that become 0, as data.

export interface PruneMethod {
  /** For people. */
  readonly describe: string
  readonly source: string
  /** By the weights as they are, whose masked ones stay 0; or by scores that learn, where they may come back. */
  readonly by: 'size' | 'scores'
  /** A share of each matrix, of all together, or what lies above a bar, of which a penalty decides how much it is. */
  readonly keeps: 'each' | 'all' | 'above'
  /** Rounds of training, each from the start's weights: lottery tickets. */
  readonly rounds?: number
}

export const pruneMethods = {
  magnitude: {
    describe: 'the smallest weights of each matrix',
    source: 'Han et al. 2015 (arXiv 1506.02626); Zhu and Gupta 2017 (arXiv 1710.01878)',
    ...{ by: 'size', keeps: 'each' },
  },
  'magnitude-global': {
    describe: 'the smallest weights of all matrices together',
    source: 'Han et al. 2015 (arXiv 1506.02626); Zhu and Gupta 2017 (arXiv 1710.01878)',
    ...{ by: 'size', keeps: 'all' },
  },
  lottery: {
    describe:
      'the smallest weights after a training, then back to the start with the others, round after round',
    source: 'Frankle and Carbin 2019 (arXiv 1803.03635); Chen et al. 2020 (arXiv 2007.12223)',
    ...{ by: 'size', keeps: 'all', rounds: 10 },
  },
  movement: {
    describe: 'weights that training moves towards 0, by scores that learn along',
    source: 'Sanh et al. 2020 (arXiv 2005.07683)',
    ...{ by: 'scores', keeps: 'each' },
  },
  'soft-movement': {
    describe: 'weights whose scores fall below a bar, as many as a penalty on the scores brings',
    source: 'Sanh et al. 2020 (arXiv 2005.07683), section 4.2',
    ...{ by: 'scores', keeps: 'above' },
  },
} as const satisfies Record<string, PruneMethod>

/** The ways to choose weights that become 0. */
export type PruneMethodName = keyof typeof pruneMethods
export const pruneMethodNames = Object.keys(pruneMethods) as readonly PruneMethodName[]
