import { expect, test } from 'RUNNER'
import { train } from './train.js'

test('trains', () => {
  expect(train()).toBe('trained: true')
})
