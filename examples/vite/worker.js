import { serveDistillation } from 'tinystill/worker'

serveDistillation()
