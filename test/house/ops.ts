// What docs/ops.md says beside the records: other engines' names where they differ, and functions that are no op.

/** Names elsewhere where they are not ours. */
export const others: Record<string, string> = {
  atan2: 'torch.atan2, tf.atan2, jax: atan2',
  crossEntropyRows: 'torch cross_entropy, tf.losses.softmaxCrossEntropy, js-pytorch CrossEntropyLoss',
  floorDivide: 'torch floor_divide, tf.floorDiv',
  gather: 'torch gather, tf.gatherND (other shape)',
  indexFill: 'torch index_fill',
  indexSelect: 'torch index_select, tf.gather',
  isfinite: 'torch isfinite, tf.isFinite',
  isinf: 'torch isinf, tf.isInf',
  isnan: 'torch isnan, tf.isNaN',
  leakyRelu: 'torch leaky_relu, tf.leakyRelu',
  linear: 'torch linear, js-pytorch nn.Linear',
  logicalAnd: 'torch logical_and, tf.logicalAnd',
  logicalNot: 'torch logical_not, tf.logicalNot',
  logicalOr: 'torch logical_or, tf.logicalOr',
  logicalXor: 'torch logical_xor, tf.logicalXor',
  logSigmoid: 'torch logsigmoid, tf.logSigmoid',
  maskedFill: 'torch masked_fill, js-pytorch masked_fill',
  matmul: 'torch matmul, tf.matMul, js-pytorch matmul',
  remainder: 'torch remainder, tf.mod',
  repeat: 'torch repeat, tf.tile',
  repeatInterleave: 'torch repeat_interleave, jax repeat',
  scatterAdd: 'torch scatter_add, tf.scatterND (other shape)',
  flip: 'torch flip, tf.reverse',
  scaledDotProductAttention: 'torch scaled_dot_product_attention',
  unsqueeze: 'torch unsqueeze, tf.expandDims, jax expand_dims',
}

/** Functions that give several tensors, or a shape that depends on numbers, or are another spelling. */
export const parts: readonly (readonly [string, string])[] = [
  ['at', "part of a tensor as Python's x[...] says it: x.at(0, '1:3', '...', null, ids)"],
  ['indexPut', 'a copy with the part x.at(...) replaced, or added to'],
  ['maskedSelect', 'the elements where a mask is not 0, as a vector'],
  ['takeAlongDim', 'gather, as numpy and PyTorch also call it'],
  ['unique', 'the different values in order, with inverse and counts'],
  ['bincount', 'how often each whole number occurs'],
  ['histc', 'how many elements fall in each of equal parts'],
  ['searchsorted', 'where values belong in a sorted vector'],
  ['split', 'parts of a dim of one size, or of the sizes given'],
  ['chunk', 'a number of parts of a dim'],
  ['unbind', 'the slices of a dim'],
  ['meshgrid', 'vectors spread over a grid'],
  ['tile', 'repeat with fewer numbers than dims'],
  ['broadcastTo', 'expand'],
  ['relu6', 'hardtanh between 0 and 6'],
]
