// js-pytorch's side of bench:peers. It has decoder blocks only (causal, ReLU, 4 * width inside, no clipping): near
// enough in arithmetic for a comparison of times.
import { torch } from 'js-pytorch'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'

const { nn, optim } = torch
const { what, m, k, n, shape, batch, tokens, vocabulary } = work

class Decoder extends nn.Module {
  constructor({ layers, width, heads }) {
    super()
    this.words = new nn.Embedding(vocabulary, width)
    this.places = new nn.PositionalEmbedding(tokens, width)
    this.blocks = Array.from({ length: layers }, () => new nn.Block(width, width, heads, tokens, 0.1))
    // It finds the parameters of properties, not those of arrays.
    this.blocks.forEach((block, i) => {
      this[`block${i}`] = block
    })
    this.classifier = new nn.Linear(width, 2)
  }

  forward(ids) {
    let x = torch.add(this.words.forward(ids), this.places.forward(ids))
    for (const block of this.blocks) x = block.forward(x)
    // Every token has its own logits: the gradient of a mean over the second of three dims fails (0.7.2).
    return this.classifier.forward(x)
  }
}

if (what === 'matmul') {
  const [a, b] = [torch.randn([m, k]), torch.randn([k, n])]
  await measure(() => void torch.matmul(a, b))
}
if (what === 'step') {
  const flat = Array.from(tokenIds(batch, tokens))
  const ids = torch.tensor(Array.from({ length: batch }, (_, i) => flat.slice(i * tokens, (i + 1) * tokens)))
  const labels = torch.tensor(Array.from({ length: batch }, (_, i) => new Array(tokens).fill(i % 2)))
  const model = new Decoder(shape)
  const optimizer = new optim.Adam(model.parameters(), 1e-4)
  const loss = new nn.CrossEntropyLoss()
  await measure(() => {
    loss.forward(model.forward(ids), labels).backward()
    optimizer.step()
    optimizer.zero_grad()
  })
}
cannot('a forward pass without a graph is not what it offers')
