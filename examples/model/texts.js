// Messages to a shop, and the desk that answers them. Our own sentences: an opening and a complaint each.
const openings = [
  'hello',
  'please help',
  'good morning',
  'for the second time',
  'since yesterday',
  'i am sorry to ask but',
  'it is urgent',
  'dear team',
]

const complaints = {
  billing: [
    'my card was charged twice',
    'the invoice shows the wrong amount',
    'the refund never reached my bank',
    'the discount is missing on my bill',
    'i was billed after i cancelled',
    'where can i pay this invoice',
    'the price on the receipt is too high',
    'my payment was declined by the bank',
  ],
  delivery: [
    'my parcel never arrived',
    'the courier left the box in the rain',
    'the tracking has not moved for days',
    'you sent the parcel to my old address',
    'one item was missing from the box',
    'when will the order be shipped',
    'the courier rang and drove away',
    'the package arrived open and broken',
  ],
  account: [
    'i forgot my password',
    'i cannot log in with my email',
    'please delete my account',
    'the login page says my user is locked',
    'how do i change my email',
    'the code for signing in does not come',
    'somebody else uses my login',
    'my profile shows another name',
  ],
}

/** Every complaint with each of some openings. */
function rows(from, to) {
  const all = Object.entries(complaints).flatMap(([label, texts]) =>
    texts.flatMap((text) =>
      openings.slice(from, to).map((opening) => ({ label, text: `${opening} ${text}` })),
    ),
  )
  return { texts: all.map(({ text }) => text), labels: all.map(({ label }) => label) }
}

export const labelled = rows(0, 6)
export const dev = rows(6)

/** Not among them, and what a model should say. */
export const asked = { text: 'the courier lost my parcel', label: 'delivery' }
