// Positions as sines and cosines: Vaswani et al. 2017. DistilBERT's table starts so where its config says.
import { pow } from '../../tensor/math.js'
import type { Tensor } from '../../tensor/tensor.js'
import { cos, sin } from '../../tensor/trigonometry.js'

/** Fills a table [positions, width]: sines at even places, cosines at odd ones, pair i turning by 10000^(-2 i / width). */
export function fillSinusoids({ elements, shape: [positions, width] }: Tensor): void {
  for (let j = 0; j < width; j++) {
    const rate = pow(10000, (2 * Math.floor(j / 2)) / width)
    const wave = j % 2 === 0 ? sin : cos
    for (let at = 0; at < positions; at++) elements[at * width + j] = wave(at / rate)
  }
}
