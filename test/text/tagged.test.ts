// Words with tags: tokens of words and the training on them held to transformers, entities to seqeval, files to what they say.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import { loadTagger } from '../../src/files/tagging/tagger.js'
import { ints } from '../../src/tensor/tensor.js'
import { padInput } from '../../src/text/batches.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import { areEntityTags, entitiesOf, schemeOf } from '../../src/text/tagged/entities.js'
import { type TaggedOptions, taggedSetIn } from '../../src/text/tagged/read.js'
import { learnable, setData } from '../../src/text/tagged/set-data.js'
import { encodeWords, startsOf, wordData } from '../../src/text/tagged/words.js'
import { predict } from '../../src/train/predict.js'
import { entityFigures } from '../../src/train/tagging/figures.js'
import { entitiesIn, placedIn, tagWords } from '../../src/train/tagging/predict.js'
import { everyTask } from '../../src/train/tagging/tasks.js'
import { fit } from '../../src/train/trainer.js'
import { backends, choose } from '../backends.js'

const golden = join(import.meta.dirname, '../golden')
const bert = join(golden, 'tagging/bert')
const json = (file: string) => JSON.parse(readFileSync(join(golden, 'tagging', file), 'utf8'))
type Case = [words: string[], most: number | null, ids: number[], wordIds: number[]]
interface Answer {
  entity_group: string
  score: number
  start: number
  end: number
}
const cases = json('cases.json') as {
  words: Record<string, Case[]>
  entities: [string, Answer[]][]
  training: { sentences: string[][]; labels: number[][]; losses: number[]; final: number[][] }
}

const left = (folder: string) => {
  const own = loadTokenizer(folder) as PiecedTokenizer & { truncationSide: string }
  own.truncationSide = 'left'
  return own as PiecedTokenizer
}
const tokenizers: Record<string, PiecedTokenizer> = {
  bert: loadTokenizer(bert) as PiecedTokenizer,
  'bert-left': left(bert),
  byte_bpe: loadTokenizer(join(golden, 'byte_bpe')) as PiecedTokenizer,
  unigram: loadTokenizer(join(golden, 'unigram')) as PiecedTokenizer,
}

describe('words', () => {
  it.each(Object.keys(cases.words))('%s: ids and word_ids are those of transformers', (name) => {
    for (const [words, most, ids, wordIds] of cases.words[name]) {
      const own = encodeWords(tokenizers[name], words, most === null ? {} : { maxLength: most })
      expect([[...own.ids], [...own.wordIds]], JSON.stringify(words)).toEqual([ids, wordIds])
      own.places.forEach((at, word) => {
        expect(at).toBe(wordIds.indexOf(word))
      })
    }
  })

  it('stand where the batch says, padded or not', () => {
    const { sentences, labels } = cases.training
    const rows = Int32Array.of(3, 0, 2)
    const [flat, padded] = [false, true].map((padding) =>
      wordData(sentences, labels.flat(), tokenizers.bert, 20, { padding }),
    )
    const firsts = (input: ReturnType<typeof flat.input>) =>
      Array.from(ints(input.at!), (at) => ints(input.inputIds)[at])
    const [a, b] = [flat.input(rows), padded.input(rows)]
    expect(firsts(a)).toEqual(firsts(b))
    expect([...ints(padInput(a, 0).at!)]).toEqual([...ints(b.at!)])
    expect(flat.answers!.asked(rows)).toHaveLength(a.at!.numel)
    const model = loadTagger(bert).model
    const [x, y] = [a, b].map((input) => model.forward(input).logits.data)
    expect(Math.max(...Array.from(x, (v, i) => Math.abs(v - y[i])))).toBeLessThan(1e-5)
  })

  it('without a token have no answer', () => {
    const data = wordData([['a', '\u200b', 'c'], ['a']], [0, 1, 2, 0], tokenizers.bert, 4)
    const { model, classes } = loadTagger(bert)
    const logits = predict(model, data)
    const own = Array.from({ length: 4 }, (_, w) => Number.isNaN(logits[w * classes.length]))
    expect(own).toEqual([false, true, false, false])
    expect(() => wordData([['a']], [0, 1], tokenizers.bert, 8)).toThrow('1 words have 2 labels')
  })

  it('are learnt from where all readers have them', () => {
    const set = taggedSetIn('a O\n\u200b O\nb B-X\nc O\n\n\u200b O\n', 'x.conll')
    const { set: own, left } = learnable(set, [{ tokenizer: tokenizers.bert, maxLength: 4 }])
    expect([own.words, [...own.labels!], left]).toEqual([[['a', '\u200b', 'b', 'c']], [1, 1, 0, 1], 2])
    const data = setData(own, tokenizers.bert, 4)
    const rows = [...data.batches(1, null)].sort((a, b) => a[0] - b[0])
    expect(rows.map((row) => [...data.answers!.asked(row)])).toEqual([[0], [2, 3]])
  })
})

describe('the pipeline', () => {
  it.each(cases.entities)("%j has transformers' entities", (text, answers) => {
    const tagger = { ...loadTagger(bert), maxLength: 48 }
    const [words] = tagWords(tagger, [placedIn(text, tagger.tokenizer)])
    const found = entitiesIn(text, words, tagger.classes)!
    expect(found.map(({ type, start, end }) => [type, start, end])).toEqual(
      answers.map(({ entity_group, start, end }) => [entity_group, start, end]),
    )
    found.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(answers[i].score, 5)
    })
  })
})

describe.each(backends)('on %s', (backend) => {
  it("20 steps are PyTorch's", async () => {
    choose(backend)
    const { sentences, labels, losses, final } = cases.training
    const { model, tokenizer, classes } = loadTagger(bert)
    const data = wordData(sentences, labels.flat(), tokenizer, 48)
    const own: number[] = []
    await fit(model, data, everyTask.entities.loss(data, {}), {
      ...{ steps: 20, lr: 1e-3, weightDecay: 0.05, warmup: 0, batchSize: 5, seed: 1, maxNorm: 1 },
      onStep: ({ loss }) => void own.push(loss),
    })
    own.forEach((loss, i) => {
      expect(Math.abs(loss - losses[i]), `loss ${i}`).toBeLessThan(1e-4)
    })
    const logits = predict(model, data)
    const answered = Array.from(logits).filter((z) => !Number.isNaN(z))
    expect(answered).toHaveLength(final.flat().length)
    expect(Math.max(...final.flat().map((z, i) => Math.abs(z - answered[i])))).toBeLessThan(1e-4)
    expect(classes).toHaveLength(6)
  })
})

describe('entities', () => {
  interface Report {
    said: string
    there: string
    accuracy: number
    all: number[]
    each: Record<string, number[]>
  }
  it('of random tags are counted as seqeval does', () => {
    for (const { said, there, all, each, accuracy } of json('seqeval.json') as Report[]) {
      const [a, b] = [said, there].map((text) => text.split('|').map((own) => own.split(' ')))
      const own = entityFigures(a.map((tags, i) => ({ said: tags, there: b[i] })))
      const close = (x: number[], y: number[]) => {
        x.forEach((v, i) => {
          expect(v, `${said} ${there}`).toBeCloseTo(y[i], 12)
        })
      }
      close([own.all.precision, own.all.recall, own.all.f1], all)
      expect(Object.keys(own.each)).toEqual(Object.keys(each))
      for (const [type, { precision, recall, f1, entities }] of Object.entries(own.each))
        close([precision, recall, f1, entities], each[type])
      const names = [...new Set([...a.flat(), ...b.flat(), 'O'])].sort()
      const labels = Int32Array.from(b.flat(), (tag) => names.indexOf(tag))
      const logits = new Float32Array(labels.length * names.length)
      a.flat().forEach((tag, w) => {
        logits[w * names.length + names.indexOf(tag)] = 5
      })
      const set = { labels, answers: { starts: startsOf(b), asked: (rows: Int32Array) => rows } }
      const { figures } = everyTask.entities.judge(logits, set, names)
      close([figures.precision, figures.recall, figures.entityF1, figures.accuracy], [...all, accuracy])
      const { over, of } = everyTask.entities.shares!(logits, set, names)
      const sum = (x: Int32Array) => x.reduce((p, q) => p + q, 0)
      expect(sum(of) === 0 ? 0 : sum(over) / sum(of)).toBeCloseTo(all[2], 12)
    }
  })

  it('of BILOU are apart where units stand side by side', () => {
    const tags = ['U-A', 'U-A', 'B-A', 'L-A', 'O']
    expect(entitiesOf(tags, { bilou: true }).map(({ start, end }) => [start, end])).toEqual([
      ...[
        [0, 1],
        [1, 2],
        [2, 4],
      ],
    ])
  })

  it.each([
    [['O', 'B-A', 'I-A'], [['B-A', 'I-A']], 'IOB2'],
    [['O', 'B-A', 'I-A'], [['I-A', 'B-A', 'O']], 'IOB1'],
    [['O', 'I-A'], [['I-A']], 'IO'],
    [['O', 'S-A', 'B-A', 'E-A'], [], 'BIOES'],
    [['O', 'S-A', 'B-A', 'M-A', 'E-A'], [], 'BMES'],
    [['O', 'U-A', 'B-A', 'L-A'], [], 'BILOU'],
    [['NOUN', 'X'], [], 'plain tags'],
    [['B-A', 'NOUN'], [], 'plain tags'],
  ])('%j are known as %s %s', (names, sentences, scheme) => {
    expect(schemeOf(names, sentences)).toBe(scheme)
    expect(areEntityTags(names)).toBe(scheme !== 'plain tags')
  })
})

describe('files', () => {
  const read = (content: string, file: string, options = {}) => {
    const { words, labels, labelNames, lines } = taggedSetIn(content, file, options)
    return { words, tags: labels && Array.from(labels, (label) => labelNames[label]), lines }
  }
  const two = { words: [['U.N.', 'is'], ['New']], tags: ['B-ORG', 'O', 'B-LOC'] }

  it.each([
    [
      'columns with spaces',
      'x.conll',
      '-DOCSTART- -X- O O\n\nU.N. NNP I-NP B-ORG\nis VBZ B-VP O\n\n\nNew NNP B-NP B-LOC\n',
    ],
    [
      'with TABs and comments',
      'x.iob2',
      '# text = U.N. is\n1\tU.N.\tB-ORG\n2\tis\tO\n\n# text = New\n1\tNew\tB-LOC',
      { textColumn: '2' },
    ],
    ['CRLF', 'x.txt', 'U.N. B-ORG\r\nis O\r\n\r\nNew B-LOC\r\n'],
    [
      'JSON',
      'x.jsonl',
      '{"tokens":["U.N.","is"],"ner_tags":["B-ORG","O"]}\n{"words":["New"],"tags":["B-LOC"]}\n',
    ],
    [
      'numbers',
      'x.jsonl',
      '{"tokens":["U.N.","is"],"tags":[1,2]}\n{"tokens":["New"],"tags":[0]}',
      { labelNames: ['B-LOC', 'B-ORG', 'O'] },
    ],
    ['the second column', 'x.bio', 'U.N. B-ORG x\nis O y\n\nNew B-LOC z', { labelColumn: '2' }],
    ['another delimiter', 'x.bio', 'U.N.;B-ORG\nis;O\n\nNew;B-LOC', { delimiter: ';' }],
  ])('%s', (_, file, content, options: TaggedOptions = {}) => {
    const { words, tags } = read(content, file, options)
    expect({ words, tags }).toEqual(two)
  })

  it('CoNLL-U: words, not their contractions, by UPOS or another column', () => {
    const line = (id: string, form: string, upos: string, xpos: string) =>
      [id, form, '_', upos, xpos, ...Array(5).fill('_')].join('\t')
    const text = `# sent_id = 1\n${line('1-2', "don't", '_', '_')}\n${line('1', 'do', 'AUX', 'VB')}\n${line('2', "n't", 'PART', 'RB')}\n${line('2.1', 'x', '_', '_')}\n`
    expect(read(text, 'x.conllu')).toEqual({ words: [['do', "n't"]], tags: ['AUX', 'PART'], lines: [3] })
    expect(read(text, 'x.conllu', { labelColumn: 'xpos' }).tags).toEqual(['VB', 'RB'])
  })

  it('without tags', () => {
    expect(read('a b\n\n c\td \n', 'x.txt', { labels: 'none' }).words).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    expect(read('a O\nb O\n', 'x.conll', { labels: 'none' }).words).toEqual([['a', 'b']])
    expect(read('{"tokens":["a"]}', 'x.jsonl', { labels: 'none' }).tags).toBe(null)
  })

  it.each([
    ['x.conll', 'a O\nb\n', "x.conll:2: has 1 field, the first word's line 2"],
    ['x.conll', 'a\n', 'x.conll:1: has 1 field, a word and its tag are in 2 or more'],
    ['x.conll', 'a\tO\n\tO\n', 'x.conll:2: has no word'],
    ['x.conll', 'a\tO\nb\t \n', 'x.conll:2: has no tag'],
    ['x.conll', '\n\n', 'x.conll: has no sentences'],
    ['x.json', '[]', 'files that end in .json are not read as words and tags'],
    ['x.jsonl', '{"tokens":["a"],"tags":[]}', 'x.jsonl:1: has 1 words and 0 tags'],
    ['x.jsonl', '{"tokens":"a","tags":[]}', 'x.jsonl:1: "tokens" must be a list of words'],
    ['x.jsonl', '{"tokens":["a"],"tags":[{}]}', 'x.jsonl:1: "tags" must be a list of tags'],
    ['x.jsonl', '{"tokens":[""],"tags":["O"]}', 'must be a list of words'],
    ['x.jsonl', '{"__proto__":["a"],"tags":["O"]}', 'has no words: none of its fields is tokens, words'],
    ['x.jsonl', '[]', 'x.jsonl:1: must be a JSON object'],
    [
      'x.jsonl',
      '{"tokens":["a"],"tags":[3]}',
      'x.jsonl:1: the tag 3 is a number. Name the tags in their order: --labels',
    ],
  ])('%s of %j: %s', (file, content, error) => {
    expect(() => taggedSetIn(content, file)).toThrow(error)
  })

  it('an unknown tag, a column that is none', () => {
    expect(() => taggedSetIn('a O\nb B-X\n', 'x.conll', { labelNames: ['O', 'B-Y'] })).toThrow(
      'x.conll:2: label "B-X" is none of the 2 known: "O", "B-Y"',
    )
    expect(() => taggedSetIn('a O\n', 'x.conll', { labelColumn: 'ner' })).toThrow('--label-column ner')
    expect(() => taggedSetIn('a O\n', 'x.conll', { labelColumn: '9' })).toThrow('has 2 fields')
  })
})
