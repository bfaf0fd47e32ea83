'use client'
import { useState } from 'react'
import { openInTab } from './open-in-tab.js'

/** The same model twice: in this tab, and on the server behind /classify. */
export default function Page() {
  const [text, setText] = useState('the courier lost my parcel')
  const [said, setSaid] = useState('')
  const ask = (where) => async () => {
    const { label } = await where(text)
    setSaid(label)
  }
  return (
    <main>
      <h1>Which desk answers?</h1>
      <label>
        A message <input value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="button" onClick={ask(inTab)}>
        Ask in this tab
      </button>
      <button type="button" onClick={ask(onServer)}>
        Ask the server
      </button>
      <output>{said}</output>
    </main>
  )
}

async function inTab(text) {
  const classifier = await openInTab()
  const [answer] = await classifier.predict([text])
  return answer
}

const onServer = async (text) => (await fetch(`/classify?text=${encodeURIComponent(text)}`)).json()
