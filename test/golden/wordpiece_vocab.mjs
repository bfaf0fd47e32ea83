// Trains the small vocabulary in test/golden/wordpiece: every 40th definition of WordNet and some lines in other scripts.
// usage: npm run build && node test/golden/wordpiece_vocab.mjs
import { saveTokenizer } from '../../dist/files/models/on-disk.js'
import { readWordnet } from '../../dist/files/data/wordnet.js'
import { trainWordPiece } from '../../dist/text/index.js'

const others = [
  'Привет, мир! Это предложение на русском языке.',
  'Η Οδύσσεια είναι ένα έπος του Ομήρου· ο Οδυσσεύς γυρίζει στο σπίτι του.',
  '日本語の文章です。東京は日本の首都。漢字𠀀𠮷',
  '这是一个中文句子，没有空格。',
  '한국어 문장입니다.',
  'مرحبا بالعالم، هذه جملة.',
  'שלום עולם',
  'नमस्ते दुनिया यह एक वाक्य है',
  'Crème brûlée à la carte, déjà vu; naïve façade, Ångström, smörgåsbord, żółć.',
  'İstanbul ışık, Straße, ﬁne ligature, x² + y³ = z⁴',
  '🎉 party 🎉 time 👍🏽 ok 👨‍👩‍👧 family',
]
const texts = readWordnet()
  .labelled.filter((_, i) => i % 40 === 0)
  .map((x) => x.text)
const corpus = [...texts, ...others, ...others, ...others]
saveTokenizer(
  new URL('wordpiece', import.meta.url).pathname,
  trainWordPiece(corpus, { size: 700, alphabet: 240 }),
  { maxLength: 64 },
)
