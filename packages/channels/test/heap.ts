import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { settle } from './probe.ts'

/** Collects garbage. Turns of the event loop first: a WeakRef that was read keeps its target until then. */
export async function collectGarbage(): Promise<void> {
  await settle()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

/** The live heap size in bytes, without garbage. */
export async function heldBytes(): Promise<number> {
  await collectGarbage()
  return process.memoryUsage().heapUsed
}
