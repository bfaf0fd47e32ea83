// Folders as users bring them: names under a wrapper, no architecture or another, heads of the pretraining, and what is no
// model's folder at all.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { classesOf, loadClassifier, loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { loadWordGuesser } from '../../src/files/models/guesser.js'
import { startModel } from '../../src/files/models/start.js'
import * as bert from '../../src/nn/models/bert.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { sin } from '../../src/tensor/trigonometry.js'
import {
  edit,
  editConfig,
  fresh,
  inputIds,
  renamed,
  resultOf,
  root,
  type State,
  saved,
  seeded,
  size,
  zeros,
} from './model-folders.js'

const labels = ['bad', 'good']
const classifier = () => seeded(() => new bert.BertForSequenceClassification({ ...size, labels }))
const guesser = () => seeded(() => new bert.BertForMaskedLM(size))
/** With [PAD], [UNK], [CLS], [SEP], [MASK] and four words. */
const withWords = (folder: string): string => {
  writeFileSync(join(folder, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n')
  return folder
}
const unnamed = (folder: string): string => {
  const file = join(folder, 'config.json')
  const { architectures, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify(rest))
  return folder
}
const encoder = (to: string, head = '') =>
  renamed((name) => (name.startsWith('bert.') ? to + name.slice(5) : head + name))

describe('names under a wrapper', () => {
  it.each<[string, (state: State) => State, string[]]>([
    ['DataParallel', encoder('module.bert.', 'module.'), ['"module." (DataParallel)']],
    ['torch.compile', encoder('_orig_mod.bert.', '_orig_mod.'), ['"_orig_mod." (torch.compile)']],
    ['Lightning', encoder('model.bert.', 'model.'), ['"model." (Lightning)']],
    [
      'sentence-transformers',
      encoder('0.auto_model.'),
      ['"0.auto_model." for "bert." (sentence-transformers)'],
    ],
    ['a class of its own', encoder('net.encoder.', 'net.'), ['"net.encoder." for "bert."']],
    ['a bare encoder and a head', encoder(''), []],
    ['two', encoder('module._orig_mod.bert.', 'module._orig_mod.'), ['"module."', 'and "_orig_mod."']],
    ['the same two', encoder('_orig_mod.module.bert.', '_orig_mod.module.'), ['"module."', '"_orig_mod."']],
    [
      'Lightning around DataParallel',
      encoder('model.module.bert.', 'model.module.'),
      ['"module."', '"model."'],
    ],
    [
      'a compiled part',
      renamed((n) => n.replace('bert.encoder.', 'bert.encoder._orig_mod.')),
      ['"_orig_mod."'],
    ],
    ['FSDP', renamed((n) => n.replace(/layer\.(\d)/, 'layer.$1._fsdp_wrapped_module')), ['(FSDP)']],
  ])('of %s are read, and told', (_, rename, told) => {
    const folder = edit(saved(classifier()), rename)
    const { model, info } = loadPretrained(folder)
    expect(resultOf(model)).toEqual(resultOf(classifier()))
    expect(info.notes.length).toBe(told.length > 0 ? 1 : 0)
    for (const part of told) expect(info.notes[0]).toContain(part)
    expect(classesOf(folder)).toEqual(labels)
  })

  it.each(['module.distilbert.', 'model.distilbert.', '0.auto_model.'])('of a DistilBERT at %s too', (to) => {
    const make = () => seeded(() => new bert.DistilBertForSequenceClassification(size))
    const outer = to.endsWith('distilbert.') ? to.slice(0, -11) : ''
    const folder = edit(
      saved(make()),
      renamed((n) => (n.startsWith('distilbert.') ? to + n.slice(11) : outer + n)),
    )
    expect(resultOf(loadPretrained(folder).model)).toEqual(resultOf(make()))
  })

  it.each<[string, (state: State) => State | undefined, string]>([
    [
      "another family's",
      encoder('roberta.'),
      'holds "roberta.embeddings.word_embeddings.weight", the weights of',
    ],
    ["another family's in a wrapper", encoder('model.electra.', 'model.'), 'the weights of another family'],
    [
      'no words',
      (s) => void s.delete('bert.embeddings.word_embeddings.weight'),
      'holds no bert.embeddings.word',
    ],
    [
      'two models',
      (s) => new Map([...encoder('student.bert.')(s), ...encoder('teacher.bert.')(s)]),
      'holds several models: "student.bert.", "teacher.bert."',
    ],
    [
      'LoRA that is not merged',
      (s) => s.set('bert.encoder.layer.0.attention.self.query.lora_A.default.weight', zeros(2, 8)),
      'holds an adapter beside the model\'s weights, "bert.encoder.layer.0.attention.self.query.lora_A',
    ],
  ])('of %s are refused', (_, change, text) => {
    const folder = edit(saved(classifier()), change)
    expect(() => loadPretrained(folder)).toThrow(text)
  })
})

describe('a kind that config.json does not say', () => {
  const heads = ['BertForPreTraining', 'BertLMHeadModel', 'MyModel']
  it.each([null, ...heads])('as with %s goes by the weights', (name) => {
    const named = (folder: string) =>
      withWords(name === null ? unnamed(folder) : editConfig(folder, { architectures: [name] }))
    const answers = loadClassifier(named(saved(classifier())))
    expect(answers.classes).toEqual(labels)
    expect(answers.notes).toEqual([
      expect.stringMatching(/read as BertForSequenceClassification, by the names/),
    ])
    const words = edit(named(saved(guesser())), (s) => s.set('cls.seq_relationship.weight', zeros(2, 8)))
    const guesses = loadWordGuesser(words)
    expect(resultOf(guesses.model)).toEqual(resultOf(guesser()))
    expect(guesses.notes).toEqual([expect.stringMatching(/read as BertForMaskedLM, by the names/)])
    const bare = named(saved(seeded(() => new bert.Bert(size))))
    expect(loadPretrained(bare).model).toBeInstanceOf(bert.Bert)
    const tokens = unnamed(saved(seeded(() => new bert.BertForTokenClassification(size))))
    expect(loadPretrained(tokens).model).toBeInstanceOf(bert.BertForTokenClassification)
  })

  it('is a token classifier where the labels are tags, whatever pooler an old file has', () => {
    const tagged = editConfig(saved(classifier()), { id2label: { 0: 'O', 1: 'B-PER' } })
    expect(loadPretrained(unnamed(tagged)).model).toBeInstanceOf(bert.BertForTokenClassification)
  })

  it.each([
    [['BertModel', 'BertForSequenceClassification']],
    [['BertForSequenceClassification', 'BertModel']],
    [['BertModel']],
  ])('of %j is the classifier that the file holds', (architectures) => {
    const folder = withWords(editConfig(saved(classifier()), { architectures }))
    expect(loadClassifier(folder).classes).toEqual(labels)
  })

  it.each(['BertForMultipleChoice', 'BertForNextSentencePrediction'])(
    'of %s is an encoder, whose head is not used',
    (name) => {
      const folder = withWords(
        edit(saved(classifier()), (s) => {
          s.delete('classifier.weight')
          s.delete('classifier.bias')
          return s.set(
            name === 'BertForMultipleChoice' ? 'classifier.weight' : 'cls.seq_relationship.weight',
            zeros(1, 8),
          )
        }),
      )
      editConfig(folder, { architectures: [name] })
      expect(loadPretrained(folder).model).toBeInstanceOf(bert.Bert)
      expect(() => loadClassifier(folder)).toThrow(
        `holds a base model, which does not classify texts. Give it a head: tinystill train --model ${folder} --train`,
      )
    },
  )

  it.each([['BertForQuestionAnswering'], ['BertModel'], []])(
    'of %s with its layer finds answers',
    (...architectures) => {
      const folder = withWords(
        edit(saved(classifier()), (s) => {
          s.delete('classifier.weight')
          s.delete('classifier.bias')
          return s.set('qa_outputs.weight', zeros(2, 8)).set('qa_outputs.bias', zeros(2))
        }),
      )
      editConfig(folder, { architectures, id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } })
      const { model } = loadPretrained(folder, { prefer: 'question-answering' })
      expect(model.architecture).toBe('BertForQuestionAnswering')
      expect(() => loadClassifier(folder)).toThrow('does not classify texts')
    },
  )

  it('names the head of its own that it cannot use', () => {
    const folder = edit(
      saved(classifier()),
      renamed((n) => n.replace('classifier.', 'fc.')),
    )
    editConfig(folder, { architectures: ['MyModel'] })
    expect(() => loadClassifier(folder)).toThrow('under names of no head here: fc.bias, fc.weight')
  })
})

describe('tensors too many or too few', () => {
  it.each<[string, (s: State) => State, string]>([
    ['a stranger', (s) => s.set('loss_fct.weight', zeros(2)), 'loss_fct.weight'],
    ['a name that drives terminals', (s) => s.set('x\u202e\n', zeros(2)), 'x\\u202e\\u000a'],
    ['a count', (s) => s.set('queue_ptr', tensor(Int32Array.of(1))), 'queue_ptr'],
    [
      'a layer',
      (s) => s.set('bert.encoder.layer.2.output.dense.bias', zeros(8)),
      'bert.encoder.layer.2.output',
    ],
  ])('%s is told, and the rest loaded', (_, change, name) => {
    const folder = edit(saved(classifier()), change)
    const { model, info } = loadPretrained(folder)
    expect(resultOf(model)).toEqual(resultOf(classifier()))
    expect(info.notes).toEqual([expect.stringContaining(`not used, no parameters of the model: ${name}`)])
  })

  it.each<[string, Record<string, unknown>, (s: State) => State | undefined, RegExp]>([
    [
      'a layer',
      { num_hidden_layers: 3 },
      (s) => s,
      /holds 2 layers, config.json asks for 3. Set num_hidden_layers to 2/,
    ],
    [
      'a head',
      {},
      (s) => new Map([...s].filter(([n]) => !n.startsWith('classifier'))),
      /has no head of a BertForSequenceClassification: 2 missing: classifier.weight, classifier.bias. Give it one: tinystill train --model \S+ --train FILE --out OUT$/,
    ],
    [
      'a bias',
      {},
      (s) => void s.delete('bert.encoder.layer.0.output.dense.bias'),
      /lacks parameters: 1 missing: bert.encoder.layer.0.output.dense.bias. The file is not whole/,
    ],
    [
      'names of classes',
      { id2label: { 0: 'a', 1: 'b', 2: 'c' } },
      (s) => s,
      /classifier.weight is \[2, 8\], .* needs \[3, 8\]. The head has 2 classes and config.json 3: name them in its id2label/,
    ],
  ])('%s is missed, with the way out', (_, config, change, text) => {
    const folder = editConfig(edit(saved(classifier()), change), config)
    expect(() => loadPretrained(folder)).toThrow(text)
  })
})

describe('the bias of a masked-word head', () => {
  it('that stands twice with other values is refused where it is tied', () => {
    const folder = edit(saved(guesser()), (s) => s.set('cls.predictions.decoder.bias', zeros(9)))
    expect(loadPretrained(folder).info.notes).toEqual([])
    edit(folder, (s) => {
      const other = zeros(9)
      other.elements[3] = 1
      return s.set('cls.predictions.decoder.bias', other)
    })
    expect(() => loadPretrained(folder)).toThrow(
      'cls.predictions.decoder.bias differs from cls.predictions.bias, and config.json ties the two',
    )
  })

  it('is the other one where an untied file lacks its own, and that is said', () => {
    const untied = seeded(() => new bert.BertForMaskedLM({ ...size, tied: false }))
    const folder = edit(saved(untied), (s) => void s.delete('cls.predictions.decoder.bias'))
    expect(loadPretrained(folder).info.notes).toEqual([
      expect.stringContaining('cls.predictions.bias stands for'),
    ])
  })
})

describe('classes of a head', () => {
  const four = ['north', 'east', 'south', 'west']
  const make = () => seeded(() => new bert.BertForSequenceClassification({ ...size, labels: four }))

  it('asked for in another order keep their rows', () => {
    const folder = saved(make())
    const { model, info } = loadPretrained(folder, { labels: ['west', 'north', 'east', 'south'] })
    const [north, east, south, west] = resultOf(make())
    expect(resultOf(model)).toEqual([west, north, east, south])
    expect(info.notes).toEqual([
      expect.stringContaining('the rows of the head are put into the order of the'),
    ])
  })

  it('are known without reading the weights, where there is a head for them', () => {
    expect(classesOf(saved(make()))).toEqual(four)
    expect(classesOf(saved(guesser()))).toBe(null)
    expect(classesOf(saved(seeded(() => new bert.BertForTokenClassification(size))))).toBe(null)
  })

  it('of one name get their numbers behind it', () => {
    const folder = withWords(saved(make()))
    editConfig(folder, { id2label: { 0: 'x', 1: 'y', 2: 'x', 3: 'z' } })
    const { classes, notes } = loadClassifier(folder)
    expect(classes).toEqual(['x (0)', 'y', 'x (2)', 'z'])
    expect(notes).toEqual([expect.stringContaining('id2label has "x" for several classes')])
  })
})

describe('a DistilBERT whose positions began as sines', () => {
  it('is known by its sizes, and a new one begins so', () => {
    const config = {
      vocab_size: 9,
      dim: 8,
      n_layers: 1,
      n_heads: 2,
      hidden_dim: 10,
      max_position_embeddings: 6,
    }
    const file = join(root, 'research.json')
    writeFileSync(file, JSON.stringify({ ...config, sinusoidal_pos_embds: true, tie_weights_: true }))
    const rules = { as: 'sequence-classification', labels, texts: ['a b c'], vocabSize: 100 } as const
    const { model } = seeded(() => startModel(file, rules))
    expect(model).toBeInstanceOf(bert.DistilBertForSequenceClassification)
    const table = model.stateDict().get('distilbert.embeddings.position_embeddings.weight') as typeof inputIds
    const place = (at: number, j: number) => table.data[at * 8 + j]
    expect([place(0, 0), place(0, 1), place(3, 0)]).toEqual([0, 1, Math.fround(sin(3))])
    expect(place(3, 2)).toBeCloseTo(sin(3 / 10), 6)
  })
})

describe('pairs for a model of one token type', () => {
  it('are refused by name', () => {
    const model: Pretrained = seeded(() => new bert.Bert({ ...size, tokenTypes: 1 })).eval()
    expect(() => model.forward({ inputIds, tokenTypeIds: tensor([[0, 0, 1]], { dtype: 'int32' }) })).toThrow(
      'Bert: has one token type (type_vocab_size 1), and these texts come in pairs',
    )
    expect(() =>
      model.forward({ inputIds, tokenTypeIds: tensor([[0, 0, 0]], { dtype: 'int32' }) }),
    ).not.toThrow()
  })
})

describe('a folder that is no model', () => {
  const config = JSON.stringify({ model_type: 'bert' })
  it.each<[string, Record<string, string>, string]>([
    ['empty', {}, 'is empty: it holds no model'],
    [
      'LoRA',
      { 'adapter_config.json': '{}', 'adapter_model.safetensors': '' },
      'holds "adapter_config.json": an adapter (LoRA or its like), which changes another model and is none itself. Merge',
    ],
    [
      'LoRA as a pickle',
      { 'config.json': config, 'adapter_model.bin': '' },
      'holds "adapter_model.bin": an adapter',
    ],
    [
      'sentence-transformers of old',
      { 'modules.json': '[]', '0_Transformer/config.json': config, '1_Pooling/config.json': '{}' },
      "is a sentence-transformers folder. Name the model's own: FOLDER/0_Transformer",
    ],
    [
      'TensorFlow',
      { 'config.json': config, 'tf_model.h5': '' },
      'holds "tf_model.h5": weights of TensorFlow',
    ],
    ["Google's", { 'bert_config.json': '{}', 'bert_model.ckpt.index': '' }, 'weights of TensorFlow'],
    ['Flax', { 'config.json': config, 'flax_model.msgpack': '' }, 'weights of Flax'],
    ['ONNX', { 'config.json': config, 'model.onnx': '' }, 'holds "model.onnx": a model exported to ONNX'],
    [
      'ONNX inside',
      { 'config.json': config, 'onnx/model.onnx': '' },
      'holds "onnx": a model exported to ONNX',
    ],
    [
      'runs',
      { 'trainer_state.json': '{}', 'checkpoint-5/config.json': config, 'checkpoint-9/config.json': config },
      "is a folder of folders. Name the model's own: FOLDER/checkpoint-5 or FOLDER/checkpoint-9",
    ],
    ["the hub's cache", { 'refs/main': '', 'snapshots/ab/config.json': config }, 'own: FOLDER/snapshots/ab'],
    ['without config', { 'model.safetensors': '' }, 'holds weights and no config.json: "model.safetensors"'],
    [
      'another name',
      { 'config.json': config, 'a.safetensors': '' },
      'holds no model.safetensors, but "a.safeten',
    ],
    [
      'a tokenizer',
      { 'vocab.txt': 'a' },
      'holds no config.json: it has "vocab.txt". Name the folder of a model',
    ],
    [
      'a config',
      { 'config.json': config },
      'holds neither model.safetensors nor model.safetensors.index.json',
    ],
  ])('%s is told apart', (_, files, text) => {
    const folder = fresh()
    mkdirSync(folder)
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    for (const load of [loadClassifier, loadWordGuesser, loadPretrained, classesOf])
      expect(() => load(folder)).toThrow(text.replaceAll('FOLDER', folder))
    rmSync(folder, { recursive: true })
    expect(() => loadClassifier(folder)).toThrow('cannot be read: no such file or folder')
  })

  it('is a file', () => {
    const file = join(saved(classifier()), 'model.safetensors')
    expect(() => loadClassifier(file)).toThrow('is a file, and a model is a folder')
  })
})
