import process from 'node:process'
import { settle } from './probe.ts'

/** What comes out as an unhandled rejection while `run` runs and shortly afterwards. Nobody else hears of it. */
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
