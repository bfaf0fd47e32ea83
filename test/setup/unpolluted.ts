// After every test of every file: no built-in prototype has been changed. Vitest loads it before each (vitest.config.ts).
import { afterEach, expect } from 'vitest'
import { differences, snapshot } from './prototypes.js'

const before = snapshot()

afterEach(() => {
  expect(differences(before), 'built-in prototypes').toEqual([])
})
