// Distils in a worker while the page goes on drawing, then asks the student here.
import { openClassifier } from 'tinystill/bytes'
import { distilInWorker } from 'tinystill/worker'
import { job } from '../model/job.js'

const at = (id) => document.querySelector(`#${id}`)
const called = {
  teacher: 'The teacher learns ...',
  answers: 'It answers ...',
  student: 'The student learns ...',
}

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
const run = distilInWorker(worker, job, {
  onFacts: (_, threads, why) => console.log(`${threads} threads; ${why}`),
  onPhase: (phase) => {
    at('state').textContent = called[phase]
  },
  onStep: ({ done }) => {
    at('progress').value = done
  },
})
const { student } = await run.result
worker.terminate()

const classifier = openClassifier(student.files)
at('state').textContent = `A student of ${student.parameters} parameters`
at('form').querySelector('button').disabled = false
at('form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const [{ label, probabilities }] = await classifier.predict([at('text').value])
  at('out').textContent = `${label} (${Math.round(100 * probabilities[label])}%)`
})
