// The worker in which the playground distils: the one line that any page's worker has.
import { serveDistillation } from '../../dist/distill/worker/index.js'

serveDistillation()
