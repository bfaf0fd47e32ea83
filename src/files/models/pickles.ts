// Weights as Python pickles, which are not read: known by their names, and turned over by a line for Python.
import { CheckpointError } from '../../errors.js'

/** Leftovers of training that lie beside weights and hold none, and adapters, which are no whole model. */
const NO_WEIGHTS = /^(training_args|optimizer|scheduler|scaler|rng_state.*|adapter_model|pytorch_adapter)\./

/** Whether a file of this name holds weights as a Python pickle, which runs code when read. */
export function isPickle(name: string): boolean {
  return /\.(bin|pt|pth|ckpt)$/i.test(name) && !NO_WEIGHTS.test(name)
}

/** Under which training loops keep the weights in what they save; one may lie in another. */
const NESTS = ['state_dict', 'model_state_dict', 'model', 'module', 'net', 'student', 'weights']

/**
 * The line that makes safetensors of a pickle; `weights_only` keeps it from running code. Of nested states it takes the weights,
 * of their names what DataParallel and torch.compile put in front.
 */
function conversion(name: string): string {
  // Names come from strangers and this is to be pasted into a shell.
  const safe = /^[\w.][\w.-]*$/.test(name) ? name : 'FILE'
  const nests = NESTS.map((nest) => `'${nest}'`).join(', ')
  return [
    'python -c "import functools, torch, safetensors.torch as s',
    `w = torch.load('${safe}', 'cpu', weights_only=True)`,
    `w = functools.reduce(lambda w, k: w[k] if isinstance(w.get(k), dict) else w, 2 * [${nests}], w)`,
    `w = {k.replace('_orig_mod.', '').removeprefix('module.'): v.clone().contiguous() for k, v in w.items() if torch.is_tensor(v)}`,
    `s.save_file(w, 'model.safetensors', {'format': 'pt'})"`,
  ].join('; ')
}

/** Throws the refusal of a pickle, with the way out. */
export function refusePickle(path: string): never {
  throw new CheckpointError(
    path,
    'is a Python pickle, which can run any code when it is read',
    `Convert it, in its folder: ${conversion(path.split(/[\\/]/).at(-1) as string)}`,
  )
}
