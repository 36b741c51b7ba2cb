/** Checks what a reader says is left to read on a real server. */
import type { Source, SplitReader } from '@millrace/core/connector'
import { expect } from 'vitest'
import { contextOf } from './job-on-disk.ts'

const timeout = 60_000

/**
 * Opens a split of which nothing was read, and checks its lag while the records are read and others are added. `slack`: how
 * many the server counts besides.
 */
export async function checkLag<T>(
  source: Source<T>,
  split: string,
  { records, append, slack = 0 }: { records: number; append: () => Promise<unknown>; slack?: number },
): Promise<void> {
  const reader = await source.open(split, undefined, await contextOf('in'))
  try {
    await lagBecomes(reader, records, slack)
    await readSome(reader, 3)
    await lagBecomes(reader, records - 3, slack)
    await readSome(reader, records - 3)
    await lagBecomes(reader, 0, 0)
    await append()
    await lagBecomes(reader, 1, slack)
    await readSome(reader, 1)
    await lagBecomes(reader, 0, 0)
  } finally {
    await reader.close()
    await source.close?.()
  }
}

async function readSome<T>(reader: SplitReader<T>, count: number): Promise<void> {
  for (let left = count; left > 0;) {
    const poll = reader.poll(left)
    if (poll.kind === 'records') left -= poll.values.length
    else await reader.ready()
  }
}

/** A reader that has caught up says so when it is polled. */
async function lagBecomes<T>(reader: SplitReader<T>, records: number, slack: number): Promise<void> {
  const lag = (): number => {
    if (records === 0) reader.poll(0)
    return reader.lag?.()?.records ?? -1
  }
  await expect
    .poll(() => lag() - records, { timeout, interval: 50 })
    .toSatisfy((more: number) => more >= 0 && more <= slack)
}
