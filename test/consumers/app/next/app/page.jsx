'use client'
import { train } from '../train.js'

export default function Page() {
  return <p>{train()}</p>
}
