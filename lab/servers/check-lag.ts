/** Checks what a reader says of what it has read, and of what is left, on a real server. */
import type { Source, SplitReader } from '@millrace/core/connector'
import { expect } from 'vitest'
import { contextOf } from './job-on-disk.ts'

const timeout = 60_000

/**
 * Opens a split of which nothing was read, and checks its lag while the records are read and others are added. `slack`: how
 * many the server counts besides. `countsBytes`: the reader counts the bytes of the records that it returns.
 */
export async function checkLag<T>(
  source: Source<T>,
  split: string,
  {
    records,
    append,
    slack = 0,
    countsBytes = true,
  }: { records: number; append: () => Promise<unknown>; slack?: number; countsBytes?: boolean },
): Promise<void> {
  const reader = await source.open(split, undefined, await contextOf('in'))
  let bytes = 0
  const read = async (count: number): Promise<void> => {
    bytes += await readSome(reader, count)
    expect(reader.bytesRead).toBe(countsBytes ? bytes : undefined)
  }
  try {
    await lagBecomes(reader, records, slack)
    await read(3)
    await lagBecomes(reader, records - 3, slack)
    await read(records - 3)
    await lagBecomes(reader, 0, 0)
    await append()
    await lagBecomes(reader, 1, slack)
    await read(1)
    await lagBecomes(reader, 0, 0)
  } finally {
    await reader.close()
    await source.close?.()
  }
}

/** Returns how many bytes the records have. */
async function readSome<T>(reader: SplitReader<T>, count: number): Promise<number> {
  let bytes = 0
  for (let left = count; left > 0;) {
    const poll = reader.poll(left)
    if (poll.kind === 'records') {
      left -= poll.values.length
      for (const index of poll.values.keys()) bytes += poll.origin?.raw(index)?.length ?? 0
    } else await reader.ready()
  }
  return bytes
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
