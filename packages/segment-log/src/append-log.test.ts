import type { Fs } from '@millrace/core/disk'
import { crashEverywhere, SimFs, SimOwners, type CrashTrial } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { AppendLog } from './append-log.ts'
import type { OpenedAppendLog } from './append-log.ts'
import type { ReadPlace } from './append-log-opening.ts'
import { AppendLogReader } from './append-log-reader.ts'

const directory = 'log'

function open(
  fs: Fs,
  from?: ReadPlace,
  warn: (message: string) => void = () => {},
): Promise<OpenedAppendLog> {
  return AppendLog.open({ fs, directory, name: 'words', owner: new SimOwners().take(), warn, from })
}

async function readAll(log: AppendLog, fs: Fs, from = log.start): Promise<string[]> {
  const reader = new AppendLogReader(log, fs)
  const words: string[] = []
  for (let next = from; reader.hasMore(next);) {
    const fetched = await reader.fetch(next)
    words.push(...fetched.entries.map(({ content }) => content.text()))
    next = fetched.next
  }
  await reader.close()
  return words
}

async function append(log: AppendLog, ...words: readonly string[]): Promise<void> {
  for (const word of words) await log.append((out) => out.text(word))
}

describe('an append log', () => {
  test('reads its entries in order, across segments and after it is opened again', async () => {
    const fs = new SimFs()
    const { log, opening, entries } = await open(fs)
    expect([opening, entries]).toEqual([undefined, []])
    await append(log, 'a', 'b')
    await log.roll((out) => out.text('since b'))
    await append(log, 'c')
    expect(await readAll(log, fs)).toEqual(['a', 'b', 'c'])
    await log.close()
    const again = await open(fs)
    expect(again.opening?.text()).toBe('since b')
    expect(again.entries.map((entry) => entry.text())).toEqual(['c'])
    await append(again.log, 'd')
    expect(await readAll(again.log, fs)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('removes the segments before a place, and keeps the newest', async () => {
    const fs = new SimFs()
    const { log } = await open(fs)
    for (const word of ['a', 'b', 'c']) {
      await append(log, word)
      await log.roll(() => undefined)
    }
    await log.removeBefore({ segment: 3, offset: 0 })
    expect(fs.paths()).toEqual(['/log/words-0000000003.log', '/log/words-0000000004.log'])
    await log.removeBefore({ segment: 9, offset: 0 })
    expect(fs.paths()).toEqual(['/log/words-0000000004.log'])
    expect(await readAll(log, fs)).toEqual([])
  })

  test('removes a torn end with a warning, and rejects a complete entry that is damaged', async () => {
    const fs = new SimFs()
    const { log } = await open(fs)
    await append(log, 'first', 'last')
    const path = 'log/words-0000000001.log'
    const bytes = fs.peek(path)!
    const warnings: string[] = []
    fs.put(path, bytes.subarray(0, bytes.length - 20))
    const torn = await open(fs, undefined, (message) => warnings.push(message))
    expect(await readAll(torn.log, fs)).toEqual(['first'])
    expect(warnings).toEqual([expect.stringMatching(/the last \d+ bytes are an incomplete block/)])
    const damaged = Uint8Array.from(bytes)
    damaged[bytes.length - 22]! ^= 1
    fs.put(path, damaged)
    await expect(open(fs)).rejects.toThrow(/words-0000000001\.log is damaged at byte \d+/)
  })

  test('rejects inbox files of the earlier format, with advice', async () => {
    const fs = new SimFs()
    await fs.makeDirectory(directory)
    fs.put('log/words-0000000001.log', new TextEncoder().encode('MRINBOX2 and blocks'))
    await expect(open(fs)).rejects.toMatchObject({
      code: 'CHECKPOINT_INCOMPATIBLE',
      message: expect.stringContaining('Process what it holds with that version') as string,
    })
  })
})

/** Appends words over several segments. An append that resolved is read after any crash, and none is read twice. */
class Story implements CrashTrial {
  readonly #resolved: string[] = []

  async run(fs: SimFs): Promise<void> {
    const { log } = await open(fs)
    for (let i = 0; i < 6; i++) {
      await append(log, `word ${i}`)
      this.#resolved.push(`word ${i}`)
      if (i % 2 === 1) await log.roll((out) => out.text(`after ${i}`))
    }
    await log.close()
  }

  async verify(fs: SimFs): Promise<void> {
    const { log } = await open(fs)
    const read = await readAll(log, fs)
    expect(read.slice(0, this.#resolved.length)).toEqual(this.#resolved)
    expect(read.length).toBeLessThanOrEqual(this.#resolved.length + 1)
    await append(log, 'new')
    expect(await readAll(log, fs)).toEqual([...read, 'new'])
  }
}

test('an append that resolved survives a crash at any disk operation', async () => {
  await crashEverywhere(() => new Story())
})
