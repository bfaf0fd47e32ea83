// Model folders as Hugging Face stores them: the way out and back, what old files look like, and what is refused.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { CheckpointError } from '../../src/errors.js'
import { fromPretrained, savePretrained } from '../../src/files/models/from-pretrained.js'
import * as bert from '../../src/nn/models/bert.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { quantizeAware, settleOnGrid } from '../../src/nn/quantize-aware/prepare.js'
import {
  edit,
  fresh,
  inputIds,
  renamed,
  resultOf,
  type State,
  saved,
  seeded,
  size,
  zeros,
} from './model-folders.js'

const classes: (() => Pretrained)[] = [
  () => new bert.Bert(size),
  () => new bert.Bert(size, { pooler: false }),
  () => new bert.BertForSequenceClassification({ ...size, labels: ['no', 'yes', '__proto__'] }),
  () =>
    new bert.BertForSequenceClassification({
      ...size,
      labels: ['x'],
      problemType: 'regression',
      padId: null,
    }),
  () => new bert.BertForMaskedLM({ ...size, activation: 'gelu_new' }),
  () => new bert.BertForMaskedLM({ ...size, tied: false, eps: 1e-5 }),
  () => new bert.BertForTokenClassification({ ...size, headDropout: 0.25 }),
  () => new bert.DistilBert(size),
  () => new bert.DistilBertForSequenceClassification(size),
  () => new bert.DistilBertForMaskedLM({ ...size, activation: 'relu' }),
  () => new bert.DistilBertForTokenClassification(size),
]

describe('a folder', () => {
  it.each(classes)('comes back the same (%#)', (make) => {
    const model = seeded(make)
    const back = loadPretrained(saved(model))
    expect(back.model.constructor).toBe(model.constructor)
    expect(back.config).toEqual(model.config)
    expect(back.info).toEqual({ fresh: [], unused: [], notes: [] })
    expect(back.model.training).toBe(false)
    expect(resultOf(back.model)).toEqual(resultOf(model))
  })

  it.each(classes)(
    'of a model that trains with quantization is a float one, with weights on grids (%#)',
    (make) => {
      for (const scheme of ['lsq', 'ternary', 'binary-split'] as const) {
        const model = quantizeAware(seeded(make), scheme)
        const back = loadPretrained(saved(model))
        expect(back.info).toEqual({ fresh: [], unused: [], notes: [] })
        expect(resultOf(back.model)).toEqual(resultOf(settleOnGrid(model)))
      }
    },
  )

  it('holds what transformers wrote, with the settings that are none of ours', () => {
    const golden = join(import.meta.dirname, '../golden/family')
    for (const name of readdirSync(golden)) {
      const { model } = loadPretrained(join(golden, name))
      const folder = saved(model)
      const read = (at: string) => JSON.parse(readFileSync(join(at, 'config.json'), 'utf8'))
      const { torch_dtype, id2label, label2id, ...rest } = read(folder)
      const { id2label: names, label2id: ids, ...theirs } = read(join(golden, name))
      // Of these two more is written: what transformers 4 calls the same, and lists as texts.
      if (/^(modernbert|deberta)/.test(name)) {
        const { pos_att_type: kinds } = theirs
        expect(rest).toMatchObject({ ...theirs, ...(kinds && { pos_att_type: kinds.join('|') }) })
      } else expect(rest).toEqual(theirs)
      expect({ id2label, label2id }).toEqual(
        names
          ? { id2label: names, label2id: ids }
          : { id2label: { 0: 'LABEL_0', 1: 'LABEL_1' }, label2id: { LABEL_0: 0, LABEL_1: 1 } },
      )
      expect(torch_dtype).toBe('float32')
      const bytes = (at: string) => readFileSync(join(at, 'model.safetensors'))
      // Their second bias of an untied decoder is used by nothing; ours repeats the first.
      if (!name.endsWith('mlm-untied'))
        expect(bytes(folder).equals(bytes(join(golden, name))), name).toBe(true)
    }
  })

  it('is written and read by the two functions of tinystill/models', async () => {
    const folder = fresh()
    const model = seeded(() => new bert.BertForMaskedLM(size))
    await savePretrained(folder, { model })
    const back = await fromPretrained(folder, { as: 'masked-lm' })
    expect(resultOf(back.model)).toEqual(resultOf(model))
    await expect(fromPretrained(fresh())).rejects.toThrow(
      'cannot be read: no such file or folder. Check the path',
    )
  })
})

describe('a bare encoder', () => {
  const encoder = seeded(() => new bert.Bert(size, { pooler: false }))

  it('gets the head that is asked for, drawn from the seed, and says so', () => {
    const folder = saved(encoder)
    const load = () =>
      seeded(() => loadPretrained(folder, { as: 'sequence-classification', labels: ['a', 'b', 'c'] }))
    const { model, info, config } = load()
    const head = ['bert.pooler.dense', 'classifier'].flatMap((n) => [`${n}.weight`, `${n}.bias`])
    expect(info).toEqual({ fresh: head, unused: [], notes: [] })
    expect(config.labels).toEqual(['a', 'b', 'c'])
    const state = model.stateDict()
    expect(state.get('classifier.weight')!.shape).toEqual([3, 8])
    expect(state.get('classifier.weight')!.data.every((x) => x !== 0 && Math.abs(x) < 0.1)).toBe(true)
    expect([...state.get('classifier.bias')!.data]).toEqual([0, 0, 0])
    expect(state.get('bert.embeddings.word_embeddings.weight')!.data).toEqual(encoder.words.weight.data)
    expect(resultOf(load().model)).toEqual(resultOf(model))
    const { fresh } = loadPretrained(folder, { as: 'masked-lm' }).info
    expect(fresh).toEqual([
      ...['transform.dense', 'transform.LayerNorm'].flatMap((n) => [
        `cls.predictions.${n}.weight`,
        `cls.predictions.${n}.bias`,
      ]),
      'cls.predictions.bias',
    ])
    expect(loadPretrained(folder, { numLabels: 4 }).model).toBeInstanceOf(bert.BertForSequenceClassification)
  })

  it('is itself without a question, with a pooler or without', () => {
    expect(loadPretrained(saved(encoder)).info).toEqual({ fresh: [], unused: [], notes: [] })
    const full = saved(seeded(() => new bert.BertForSequenceClassification(size)))
    const { model, info } = loadPretrained(full, { as: 'base' })
    expect(info).toEqual({ fresh: [], unused: ['classifier.bias', 'classifier.weight'], notes: [] })
    expect(model.stateDict().has('pooler.dense.weight')).toBe(true)
  })
})

describe('a classifier', () => {
  const folder = saved(seeded(() => new bert.DistilBertForSequenceClassification(size)))

  it('for another number of classes is drawn anew, on the same encoder', () => {
    const { info, model } = loadPretrained(folder, { numLabels: 5 })
    expect(info).toEqual({
      fresh: ['classifier.weight', 'classifier.bias'],
      unused: ['classifier.weight', 'classifier.bias'],
      notes: [],
    })
    expect(model.forward({ inputIds }).logits!.shape).toEqual([1, 5])
    expect(loadPretrained(folder, { numLabels: 2 }).info.fresh).toEqual([])
    const { config } = loadPretrained(folder, { labels: ['bad', 'good'] })
    expect(config.labels).toEqual(['bad', 'good'])
    expect(() => loadPretrained(folder, { labels: ['bad'], numLabels: 2 })).toThrow(
      'fromPretrained: numLabels is 2, labels are 1',
    )
    expect(() => loadPretrained(folder, { numLabels: 0 })).toThrow(
      'numLabels must be a whole number from 1 on',
    )
  })

  it('as something else leaves its head unused', () => {
    const { info } = loadPretrained(folder, { as: 'token-classification' })
    expect(info).toEqual({ fresh: [], unused: ['pre_classifier.bias', 'pre_classifier.weight'], notes: [] })
  })
})

describe('older files', () => {
  const make = () => seeded(() => new bert.BertForMaskedLM(size))

  it('call weight and bias of a layer norm gamma and beta, and save buffers', () => {
    const folder = edit(saved(make()), (state) => {
      const old = renamed((name) =>
        name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
      )(state)
      return old.set('bert.embeddings.position_ids', tensor([[0, 1, 2]], { dtype: 'int32' }))
    })
    expect(resultOf(loadPretrained(folder).model)).toEqual(resultOf(make()))
  })

  it('repeat the tied decoder, and hold heads of the pretraining', () => {
    const folder = edit(saved(make()), (state) => {
      state.set('cls.predictions.decoder.weight', state.get('bert.embeddings.word_embeddings.weight')!)
      state.set('cls.predictions.decoder.bias', state.get('cls.predictions.bias')!)
      state.set('cls.seq_relationship.weight', zeros(2, 8))
      state.set('fit_denses.0.weight', zeros(8, 8))
      return state.set('bert.pooler.dense.weight', zeros(8, 8))
    })
    const { model, info } = loadPretrained(folder)
    expect(resultOf(model)).toEqual(resultOf(make()))
    expect(info.unused).toEqual([
      'bert.pooler.dense.weight',
      'cls.seq_relationship.weight',
      'fit_denses.0.weight',
    ])
    edit(folder, (state) => state.set('cls.predictions.decoder.weight', zeros(9, 8)))
    expect(() => loadPretrained(folder)).toThrow(
      'cls.predictions.decoder.weight differs from the word table that config.json ties it to. Set "tie_word_embeddings": false',
    )
  })

  it('keep an untied bias under its other name', () => {
    const untied = () => seeded(() => new bert.BertForMaskedLM({ ...size, tied: false }))
    const folder = edit(saved(untied()), (state) => {
      state.delete('cls.predictions.decoder.bias')
      return state
    })
    expect(resultOf(loadPretrained(folder).model)).toEqual(resultOf(untied()))
  })

  it('have neither a model_type nor more settings than they need', () => {
    const folder = saved(seeded(() => new bert.Bert(size)))
    const { hidden_size, num_attention_heads, num_hidden_layers, vocab_size, intermediate_size, ...more } =
      JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
    const max_position_embeddings = more.max_position_embeddings
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify({
        hidden_size,
        num_attention_heads,
        num_hidden_layers,
        vocab_size,
        intermediate_size,
        max_position_embeddings,
      }),
    )
    expect(loadPretrained(folder).model).toBeInstanceOf(bert.Bert)
    const { config } = loadPretrained(folder, { as: 'base' })
    expect(config).toEqual({ ...new bert.Bert(size).config, extra: new Map() })
  })

  it('come as a pickle, which is not read', () => {
    const folder = saved(make())
    copyFileSync(join(folder, 'model.safetensors'), join(folder, 'pytorch_model.bin'))
    rmSync(join(folder, 'model.safetensors'))
    expect(() => loadPretrained(folder)).toThrow(
      /pytorch_model\.bin: is a Python pickle, which can run any code when it is read\. Convert it, in its folder: python -c "import functools, torch, .*"$/,
    )
  })
})

describe('weights that do not fit', () => {
  const make = () => saved(seeded(() => new bert.BertForSequenceClassification(size)))

  it.each<[string, (s: State) => State | undefined, string]>([
    [
      'a layer is missing',
      (s) => void s.delete('bert.encoder.layer.1.output.dense.bias'),
      '1 missing: bert.encoder.layer.1.output.dense.bias',
    ],
    [
      'no head',
      (s) => new Map([...s].filter(([name]) => !name.startsWith('classifier'))),
      '2 missing: classifier.weight, classifier.bias',
    ],
    [
      'another shape',
      (s) => s.set('bert.pooler.dense.bias', zeros(7)),
      'bert.pooler.dense.bias is [7], the model of config.json needs [8]',
    ],
    [
      'whole numbers',
      (s) => s.set('classifier.bias', tensor(new Int32Array(2))),
      '"classifier.bias" holds whole numbers, not weights',
    ],
    [
      'two names for one',
      (s) => s.set('embeddings.LayerNorm.bias', zeros(8)),
      '"bert.embeddings.LayerNorm.bias" under two names',
    ],
    [
      'another model',
      renamed((n) => n.replace('bert.', 'roberta.')),
      'holds "roberta.embeddings.word_embeddings.weight", the weights of another family than config.json\'s, bert',
    ],
  ])('%s', (_, change, text) => {
    const folder = edit(make(), change)
    expect(() => loadPretrained(folder)).toThrow(CheckpointError)
    expect(() => loadPretrained(folder)).toThrow(text)
  })

  it('half a head is damage, whatever is asked', () => {
    const folder = edit(make(), (s) => void s.delete('classifier.weight'))
    expect(() => loadPretrained(folder, { as: 'sequence-classification' })).toThrow(
      '1 missing: classifier.weight',
    )
  })
})
