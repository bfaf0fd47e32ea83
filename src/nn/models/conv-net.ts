// A stack of convolutions with relu behind each, means of four quarters, one linear layer: the models of the SEED experiment.
import { relu } from '../../autograd/ops/elementwise/pointwise.js'
import { flatten } from '../../autograd/ops/shape/dims.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Conv2d } from '../conv.js'
import { Linear } from '../layers.js'
import { Module } from '../module.js'
import { AdaptiveAvgPool2d } from '../pool.js'

/** One convolution of a ConvNet: how many filters, and how wide they are. */
export interface ConvLayer {
  filters: number
  kernel: number
  /** Default 1. */
  stride?: number
  /** Zeros around the image. Default 0. */
  padding?: number
}

/** Sizes of a ConvNet. */
export interface ConvNetConfig {
  /** Of an image: planes, rows and columns. */
  image: readonly [planes: number, height: number, width: number]
  convs: readonly ConvLayer[]
  classes: number
}

/** The image's quarters that its means are taken of, each way. */
const QUARTERS = 2

/** A classifier of images by convolutions. */
export class ConvNet extends Module {
  convs: Conv2d[]
  pool: AdaptiveAvgPool2d
  classifier: Linear

  constructor(readonly config: ConvNetConfig) {
    super()
    const { image, convs, classes } = config
    const planes = [image[0], ...convs.map(({ filters }) => filters)]
    this.convs = convs.map(
      ({ filters, kernel, stride = 1, padding = 0 }, i) =>
        new Conv2d(planes[i], filters, kernel, { stride, padding }),
    )
    this.pool = new AdaptiveAvgPool2d(QUARTERS)
    this.classifier = new Linear(planes[planes.length - 1] * QUARTERS ** 2, classes)
  }

  /** x [B, planes * height * width] -> logits [B, classes] */
  forward(x: Tensor): { logits: Tensor } {
    let h = reshape(x, [x.shape[0], ...this.config.image]) // [B, C, H, W]
    for (const conv of this.convs) h = relu(conv.forward(h))
    return { logits: this.classifier.forward(flatten(this.pool.forward(h), 1)) } // of [B, C * 4]
  }
}
