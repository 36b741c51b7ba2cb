import process from 'node:process'
import { settle } from './probe.ts'

/** The unhandled rejections while `run` runs and shortly afterwards. No other listener receives them. */
export async function unhandledIn(run: () => void): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', note)
  try {
    run()
    await settle()
    await settle()
  } finally {
    process.off('unhandledRejection', note)
    for (const other of others) process.on('unhandledRejection', other)
  }
  return unhandled
}
