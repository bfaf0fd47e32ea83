// What docs/ops.md says beside the records: functions that are no op. Other engines' names are in elsewhere.json.

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
