// What every consumer does: trains a few steps, and touches all that may be loaded in a page.
import { manualSeed, memory, optim, tensor, tidy } from 'tinystill'
import { hiddenLoss } from 'tinystill/distill'
import { Mlp, TextClassifier } from 'tinystill/models'
import { readSafetensors } from 'tinystill/safetensors'
import { WordPieceTokenizer } from 'tinystill/text'

export function train() {
  manualSeed(1)
  const model = new Mlp({ sizes: [2, 8, 1] })
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.05 })
  const x = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
  const y = tensor([[0], [1], [1], [2]])
  const losses = []
  for (let i = 0; i < 60; i++) {
    tidy(() => {
      const off = model.forward(x).logits.sub(y)
      const loss = off.mul(off).mean()
      loss.backward()
      losses.push(loss.item())
    })
    optimizer.step()
    optimizer.zeroGrad()
  }
  const there = [hiddenLoss, TextClassifier, readSafetensors, WordPieceTokenizer, memory].every(
    (it) => it !== undefined,
  )
  const [first, last] = [losses[0], losses[losses.length - 1]]
  if (!there || !(last < 0.2 * first)) throw new Error(`loss from ${first} to ${last}, all there: ${there}`)
  return `trained: ${last < 0.2 * first}`
}
