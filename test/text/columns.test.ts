// Which column is what, for the headers that public data sets come with: names and their order are theirs, the rows are made up.
import { describe, expect, it } from 'vitest'
import type { DataOptions } from '../../src/text/rows/columns.js'
import { readRows, type TextFormat } from '../../src/text/rows.js'

type Row = [text: string, textB: string | null, label: string | number | null]

function read(
  format: TextFormat,
  content: string,
  options: DataOptions = {},
): { rows: Row[]; notes: string[] } {
  const lines = content.split('\n').map((text, i) => ({ text, number: i + 1 }))
  const notes: string[] = []
  const all = { ...options, note: (line: string) => void notes.push(line) }
  const rows = Array.from(
    readRows(lines, format, 'f', all),
    (r): Row => [r.text, r.textB, r.label as string | number | null],
  )
  return { rows, notes }
}
const tabs = (...lines: string[][]) => lines.map((fields) => fields.join('\t')).join('\n')
const [a, b] = ['A man sleeps.', 'Somebody is at rest.']

describe('public data sets', () => {
  const sets: [name: string, format: TextFormat, content: string, row: Row][] = [
    ['GLUE SST-2', 'tsv', tabs(['sentence', 'label'], [a, '1']), [a, null, '1']],
    ['GLUE SST-2, test', 'tsv', tabs(['index', 'sentence'], ['0', a]), [a, null, null]],
    ['GLUE CoLA', 'tsv', tabs(['gj04', '1', '', a], ['r-67', '0', '*', b]), [a, null, '1']],
    [
      'GLUE MRPC',
      'tsv',
      tabs(['Quality', '#1 ID', '#2 ID', '#1 String', '#2 String'], ['1', '702876', '702977', a, b]),
      [a, b, '1'],
    ],
    [
      'GLUE STS-B',
      'tsv',
      tabs(
        [
          'index',
          'genre',
          'filename',
          'year',
          'old_index',
          'source1',
          'source2',
          'sentence1',
          'sentence2',
          'score',
        ],
        ['0', 'main-captions', 'MSRvid', '2012test', '0001', 'none', 'none', a, b, '3.250'],
      ),
      [a, b, '3.250'],
    ],
    [
      'GLUE QQP',
      'tsv',
      tabs(['id', 'qid1', 'qid2', 'question1', 'question2', 'is_duplicate'], ['0', '1', '2', a, b, '0']),
      [a, b, '0'],
    ],
    [
      'GLUE MNLI',
      'tsv',
      tabs(
        [
          ...['index', 'promptID', 'pairID', 'genre', 'sentence1_binary_parse', 'sentence2_binary_parse'],
          ...['sentence1_parse', 'sentence2_parse', 'sentence1', 'sentence2', 'label1', 'gold_label'],
        ],
        [
          '0',
          '3',
          '3e',
          'fiction',
          '( A man )',
          '( Somebody )',
          '(ROOT A)',
          '(ROOT S)',
          a,
          b,
          'neutral',
          'entailment',
        ],
      ),
      [a, b, 'entailment'],
    ],
    [
      'GLUE QNLI',
      'tsv',
      tabs(['index', 'question', 'sentence', 'label'], ['0', a, b, 'entailment']),
      [a, b, 'entailment'],
    ],
    [
      'GLUE RTE',
      'tsv',
      tabs(['index', 'sentence1', 'sentence2', 'label'], ['0', a, b, 'not_entailment']),
      [a, b, 'not_entailment'],
    ],
    ['GLUE WNLI', 'tsv', tabs(['index', 'sentence1', 'sentence2', 'label'], ['0', a, b, '1']), [a, b, '1']],
    [
      'SNLI, text',
      'txt',
      tabs(
        [
          ...['gold_label', 'sentence1_binary_parse', 'sentence2_binary_parse', 'sentence1_parse'],
          ...['sentence2_parse', 'sentence1', 'sentence2', 'captionID', 'pairID', 'label1'],
        ],
        [
          'entailment',
          '( A man )',
          '( S )',
          '(ROOT A)',
          '(ROOT S)',
          a,
          b,
          '1.jpg#0',
          '1.jpg#0r1e',
          'entailment',
        ],
      ),
      [a, b, 'entailment'],
    ],
    [
      'SNLI, JSON lines',
      'jsonl',
      JSON.stringify({
        annotator_labels: ['neutral'],
        captionID: '1',
        gold_label: 'neutral',
        sentence1: a,
        sentence1_parse: '(ROOT)',
        sentence2: b,
      }),
      [a, b, 'neutral'],
    ],
    ['SNLI by datasets', 'jsonl', JSON.stringify({ premise: a, hypothesis: b, label: 2 }), [a, b, 2]],
    ['AG News', 'csv', `"3","${a}","${b}"\n"4","${b}","Nothing else, he says."`, [a, b, '3']],
    ['AG News, with a header', 'csv', `Class Index,Title,Description\n3,"${a}","${b}"`, [a, b, '3']],
    [
      'Yelp polarity',
      'csv',
      `"1","${a} ""Well"", it does."\n"2","${b}"`,
      [`${a} "Well", it does.`, null, '1'],
    ],
    ['IMDb', 'csv', `review,sentiment\n"${a}<br />""",positive`, [`${a}<br />"`, null, 'positive']],
    ['20 Newsgroups', 'jsonl', JSON.stringify({ text: a, label: 7, label_text: 'rec.autos' }), [a, null, 7]],
    ['20 Newsgroups by scikit-learn', 'csv', `,data,target\n0,"${a}\n\n${b}",7`, [`${a}\n\n${b}`, null, '7']],
    ['TREC', 'csv', `text,coarse_label,fine_label\n${a},3,17`, [a, null, '3']],
    ['PAWS', 'tsv', tabs(['id', 'sentence1', 'sentence2', 'label'], ['1', a, b, '0']), [a, b, '0']],
    [
      'SICK',
      'tsv',
      tabs(
        ['pair_ID', 'sentence_A', 'sentence_B', 'relatedness_score', 'entailment_judgment'],
        ['1', a, b, '4.5', 'NEUTRAL'],
      ),
      [a, b, 'NEUTRAL'],
    ],
    ['DBpedia', 'csv', `label,title,content\n3,${a},${b}`, [a, b, '3']],
  ]

  it.each(sets)('%s', (_, format, content, row) => {
    expect(read(format, content).rows[0]).toEqual(row)
    expect(read(format, content).rows).toHaveLength(
      content.startsWith('"') || format === 'jsonl' || content.startsWith('gj04')
        ? content.split('\n').length
        : 1,
    )
  })
})

describe('headers', () => {
  const four = (first: string[]) =>
    tabs(first, [a, 'no'], [b, 'yes'], ['So it is.', 'no'], ['It is not.', 'yes'])

  it.each<[string[], string | null]>([
    [['tweet', 'label'], null],
    [['review', 'sentiment'], null],
    [['text', 'category'], null],
    [['my words', 'label'], 'the text is taken from "my words"'],
  ])('%j are no row', (header, note) => {
    const { rows, notes } = read('tsv', four(header))
    expect(rows.map((row) => row[2])).toEqual(['no', 'yes', 'no', 'yes'])
    expect(notes).toEqual(note === null ? [] : [note])
  })

  it('of an id, a text and a label are no pair', () => {
    expect(read('tsv', tabs(['id', 'text', 'category'], ['1', a, 'x'])).rows).toEqual([[a, null, 'x']])
    expect(read('tsv', tabs(['id', 'tweet', 'label'], ['1', a, 'x'])).rows).toEqual([[a, null, 'x']])
    expect(read('tsv', tabs(['"text"', '"label"'], [`"${a}"`, '"x"'])).rows).toEqual([[a, null, 'x']])
    // R's write.table: names of rows that the header does not name.
    expect(read('tsv', tabs(['"text"', '"label"'], ['"1"', `"${a} \\"so\\""`, '"x"'])).rows).toEqual([
      [`${a} "so"`, null, 'x'],
    ])
  })

  it('of unknown names are refused', () => {
    expect(() => read('tsv', four(['foo', 'stance']))).toThrow(
      'f:1: is it a header? "stance" is the label of no other row',
    )
    expect(
      read('tsv', four(['foo', 'stance']), { textColumn: 'foo', labelColumn: 'stance' }).rows,
    ).toHaveLength(4)
    expect(read('tsv', four(['foo', 'stance']), { textColumn: '1', labelColumn: '2' }).rows).toHaveLength(5)
    expect(() => read('csv', `a,b\n${a},1`)).toThrow('f:1: the header names no text: "a", "b"')
    expect(() => read('csv', `text,stance\n${a},1`, { labelUse: 'needed' })).toThrow(
      'f:1: has no label: no column is one among "text", "stance"',
    )
    expect(() => read('jsonl', JSON.stringify({ text: a, stance: 1 }), { labelUse: 'needed' })).toThrow(
      'no column is one among "text", "stance"',
    )
    expect(() => read('csv', `id,comment_text,toxic,insult\n1,${a},1,0`, { labelUse: 'needed' })).toThrow(
      'Where each class has a column of 0 and 1, make one of them',
    )
    // A rare class in front is none, where its text is one.
    expect(read('tsv', four(['a text of words', 'rare'])).rows).toHaveLength(5)
    expect(read('tsv', tabs(['one', 'x'], ['two', 'y'])).rows).toHaveLength(2)
  })

  it('are not there, and the first field counts the rows: no pair', () => {
    const counted = tabs(['1', a, 'x'], ['2', b, 'y'])
    expect(() => read('tsv', counted)).toThrow(
      'f:1: the first field of every line is a number of its own and no text',
    )
    expect(read('tsv', counted, { textColumn: '2', labelColumn: '3' }).rows).toEqual([
      [a, null, 'x'],
      [b, null, 'y'],
    ])
    expect(read('tsv', tabs(['12', '12', 'x'], ['7', '8', 'y'])).rows).toHaveLength(2)
    expect(read('tsv', tabs([a, b, 'x'], ['2', b, 'y'])).rows).toHaveLength(2)
  })

  it('with two names for the label go by preference, not by place, and say so', () => {
    const { rows, notes } = read('csv', `id,score,text,label\n1,0.91,${a},1`)
    expect([rows, notes]).toEqual([
      [[a, null, '1']],
      ['the label is taken from "label", not "score": --label-column says otherwise'],
    ])
    expect(read('csv', `id,score,text,label\n1,0.91,${a},1`, { labelColumn: 'score' }).rows).toEqual([
      [a, null, '0.91'],
    ])
    expect(read('tsv', tabs(['target', 'text', 'label'], ['food', a, '1'])).rows).toEqual([[a, null, '1']])
  })

  it('say what text is left out', () => {
    expect(read('csv', `title,text,label\nNews,${a},1`).notes).toEqual([
      'the text is taken from "text", "title" is left out: --text-column and --text-pair-column say otherwise',
    ])
    expect(read('csv', `text,remark,label\n${a},It is a long remark,1`).notes).toEqual([
      '"remark" reads like a text and is left out: --text-pair-column takes it',
    ])
  })
})

describe('options', () => {
  it.each<[TextFormat, string, DataOptions, Row[]]>([
    ['csv', `x,y,z\n${a},${b},1`, { textColumn: 'x', textPairColumn: 'y', labelColumn: 'z' }, [[a, b, '1']]],
    [
      'tsv',
      tabs(['1', a], ['2', b]),
      { textColumn: '2', labelColumn: '1' },
      [
        [a, null, '1'],
        [b, null, '2'],
      ],
    ],
    ['tsv', tabs([a, b]), { textColumn: '1', textPairColumn: '2' }, [[a, b, null]]],
    ['tsv', tabs(['x', '1', '', a]), { textColumn: '4', labelColumn: '2' }, [[a, null, '1']]],
    ['tsv', tabs(['1', a, b]), { labelColumn: '1' }, [[a, b, '1']]],
    ['jsonl', JSON.stringify({ text: a, other: b, label: 1 }), { textColumn: 'other' }, [[b, null, 1]]],
    ['tsv', tabs(['0', '1'], [a, '7']), { textColumn: '0', labelColumn: '1' }, [[a, null, '7']]],
    ['txt', `${a}|1`, { delimiter: '|' }, [[a, null, '1']]],
    ['tsv', `text;label\n"${a}; ""so"""; 1`, { delimiter: ';' }, [[`${a}; "so"`, null, '1']]],
    ['csv', `text;label\n"${a}; ""so""";1`, {}, [[`${a}; "so"`, null, '1']]],
    ['csv', `text\tlabel\n${a}\t1`, {}, [[a, null, '1']]],
    ['csv', `text|label\n${a}|1`, {}, [[a, null, '1']]],
    ['csv', `text,"a; b; label; class"\n${a},1`, {}, [[a, null, null]]],
  ])('%s %j with %j', (format, content, options, rows) => {
    expect(read(format, content, options).rows).toEqual(rows)
  })

  it.each<[TextFormat, string, DataOptions, string]>([
    [
      'csv',
      'text,label\nx,1',
      { textColumn: 'tweet' },
      'f:1: --text-column "tweet" is none of its columns: "text", "label"',
    ],
    [
      'csv',
      'text,label\nx,1',
      { textColumn: 'text', labelColumn: 'text' },
      'f:1: one column is asked for twice',
    ],
    ['tsv', 'x\t1', { textColumn: '3' }, 'f:1: --text-column 3: the first line has 2 fields'],
    ['jsonl', '{"text":"x"}', { labelColumn: 'y' }, 'f:1: --label-column "y" is none of its columns: "text"'],
    [
      'tsv',
      tabs(['1', a], ['2', b], ['3', 'a great film']),
      {},
      'f:1: the second field of a line reads like a text',
    ],
    ['tsv', tabs([a, b], [b, a]), {}, '--text-column 1 --text-pair-column 2 for pairs'],
  ])('%s %j with %j is refused', (format, content, options, text) => {
    expect(() => read(format, content, options)).toThrow(text)
  })

  it('tell what is taken for a label that nobody wants', () => {
    expect(read('tsv', tabs(['a film', 'b'], ['c', 'd']), { labelUse: 'unused' }).notes).toEqual([
      expect.stringContaining(
        'taken for a label and passed over; for pairs: --text-column 1 --text-pair-column 2',
      ),
    ])
  })
})
