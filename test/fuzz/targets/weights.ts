// Safetensors: the mutants of io/fuzz.test.ts, from bytes. What Python thinks of those that are read is asked afterwards.
import { tidy } from '../../../src/autograd/tidy.js'
import { readSafetensors } from '../../../src/formats/safetensors/safetensors.js'
import { bytesPerElement } from '../../../src/tensor/storage.js'
import { rolled } from '../../io/mutants.js'
import type { Target } from '../target.js'

export const weightsTarget: Target = {
  name: 'safetensors',
  share: 12,
  open(folder) {
    return {
      make: (roll) => rolled(roll).bytes,
      read: (bytes) => {
        let taken = 0
        tidy(() => {
          for (const t of readSafetensors(bytes, { file: `${folder}/model.safetensors` }).tensors.values())
            taken += t.numel * bytesPerElement[t.dtype]
        })
        return taken
      },
      judge: (bytes, taken) =>
        (taken as number) <= 2 * bytes.length ? null : `it takes ${taken} bytes of ${bytes.length}`,
    }
  },
}
