import { seededRandom } from '@millrace/world'
import { isMillraceError } from '@millrace/core'
import { publishFile, readWhole, writeFully } from '@millrace/core/disk'
import type { ErrorCode } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import { describe, expect, test } from 'vitest'
import { SimFs } from './sim-fs.ts'
import { SimulatedCrash } from './simulated-crash.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array | undefined): string | undefined =>
  content && new TextDecoder().decode(content)

async function write(fs: Fs, path: string, content: string, { sync = false } = {}): Promise<void> {
  const file = await fs.open(path, 'append')
  await writeFully(file, bytes(content), path)
  if (sync) await file.sync()
  await file.close()
}

async function failure(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(isMillraceError(error, code), `${String(error)} instead of ${code}`).toBe(true)
}

describe('power loss that loses everything not synced', () => {
  test('loses the bytes of a file that was not synced', async () => {
    const fs = new SimFs()
    await write(fs, 'a', 'first', { sync: true })
    await fs.syncDirectory('.')
    await write(fs, 'a', ' second')
    expect(text(fs.afterPowerLoss().peek('a'))).toBe('first')
  })

  test('loses the name of a file whose directory was not synced, although its bytes were', async () => {
    const fs = new SimFs()
    await write(fs, 'a', 'x', { sync: true })
    expect(fs.afterPowerLoss().paths()).toEqual([])
  })

  test('undoes a rename and a removal until the directory is synced', async () => {
    const fs = new SimFs()
    fs.put('old', '1')
    fs.put('gone', '2')
    await fs.rename('old', 'new')
    await fs.remove('gone')
    expect(fs.paths()).toEqual(['/new'])
    expect(fs.afterPowerLoss().paths()).toEqual(['/gone', '/old'])

    const synced = new SimFs()
    synced.put('old', '1')
    await synced.rename('old', 'new')
    await synced.syncDirectory('/')
    expect(synced.afterPowerLoss().paths()).toEqual(['/new'])
  })

  test('makes a rename into another directory durable when that directory was synced', async () => {
    const fs = new SimFs()
    fs.put('from/a', '1')
    fs.put('to/b', '2')
    await fs.rename('from/a', 'to/a')
    await fs.syncDirectory('from')
    expect(fs.afterPowerLoss().paths()).toEqual(['/from/a', '/to/b'])

    const synced = new SimFs()
    synced.put('from/a', '1')
    synced.put('to/b', '2')
    await synced.rename('from/a', 'to/a')
    await synced.syncDirectory('to')
    expect(synced.afterPowerLoss().paths()).toEqual(['/to/a', '/to/b'])
  })

  test('loses a directory whose parent was not synced, with everything in it', async () => {
    const fs = new SimFs()
    await fs.makeDirectory('a/b')
    await write(fs, 'a/b/c', 'x', { sync: true })
    await fs.syncDirectory('a/b')
    await fs.syncDirectory('a')
    expect(fs.afterPowerLoss().paths()).toEqual([])
    await expect(fs.syncDirectory('.')).rejects.toThrow(SimulatedCrash)
  })

  test('makes earlier changes to a name durable when a later one is synced', async () => {
    const fs = new SimFs()
    fs.put('a/x', 'old')
    await fs.makeDirectory('b')
    await fs.rename('a/x', 'b/x')
    await write(fs, 'a/x', 'new', { sync: true })
    await fs.syncDirectory('a')
    const after = fs.afterPowerLoss()
    expect(after.paths()).toEqual(['/a/x'])
    expect(text(after.peek('a/x'))).toBe('new')
  })

  test('undoes a truncation that was not synced', async () => {
    const fs = new SimFs()
    fs.put('a', '0123456789')
    const file = await fs.open('a', 'append')
    await file.truncate(4)
    expect(text(fs.peek('a'))).toBe('0123')
    await file.sync()
    await file.truncate(2)
    expect(text(fs.afterPowerLoss().peek('a'))).toBe('0123')
  })
})

describe('power loss at random', () => {
  test('keeps what was synced, for any seed', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const fs = new SimFs()
      await publishFile(fs, '.', 'a', bytes('x'.repeat(2_000)))
      await write(fs, 'a', 'y'.repeat(2_000))
      const after = fs.afterPowerLoss(seededRandom(seed)).peek('a')!
      expect(text(after.subarray(0, 2_000))).toBe('x'.repeat(2_000))
    }
  })

  test('on different seeds loses all, keeps all, tears between sectors and shows garbage', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const fs = new SimFs()
      fs.put('a', 'x'.repeat(700))
      await write(fs, 'a', 'y'.repeat(700))
      await write(fs, 'a', 'z'.repeat(700))
      const after = fs.afterPowerLoss(seededRandom(seed)).peek('a')!
      const tail = after.subarray(700)
      const known = new Set(bytes('yz\0'))
      if (tail.length === 0) seen.add('lost')
      else if (tail.some((byte) => !known.has(byte))) seen.add('garbage')
      else if (tail.includes(0)) seen.add('hole')
      else seen.add(after.length === 2_100 ? 'kept' : 'cut')
    }
    expect([...seen].sort()).toEqual(['cut', 'garbage', 'hole', 'kept', 'lost'])
  })

  test('keeps changes to different names in any combination, and changes to one name in order', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const fs = new SimFs()
      fs.put('old', '1')
      await write(fs, 'fresh', '2', { sync: true })
      await fs.rename('fresh', 'new')
      await fs.remove('old')
      seen.add(fs.afterPowerLoss(seededRandom(seed)).paths().join(' '))
    }
    expect([...seen].sort()).toEqual(['', '/fresh', '/fresh /old', '/new', '/new /old', '/old'])
  })

  test('the same seed gives the same outcome', async () => {
    const outcome = async (seed: number): Promise<unknown> => {
      const fs = new SimFs({ random: seededRandom(seed) })
      for (let i = 0; i < 20; i++) await write(fs, `f${i % 3}`, 'x'.repeat(i * 100), { sync: i % 4 === 0 })
      const after = fs.afterPowerLoss(seededRandom(seed + 1))
      return after.paths().map((path) => [path, after.peek(path)])
    }
    expect(await outcome(5)).toEqual(await outcome(5))
    expect(await outcome(5)).not.toEqual(await outcome(6))
  })
})

describe('a kill', () => {
  test('loses nothing, and keeps unsynced changes volatile', async () => {
    const fs = new SimFs()
    await write(fs, 'a', 'x')
    const next = fs.afterKill()
    expect(text(next.peek('a'))).toBe('x')
    expect(next.afterPowerLoss().paths()).toEqual([])

    const synced = fs.afterKill()
    const file = await synced.open('a', 'append')
    await file.sync()
    await synced.syncDirectory('.')
    expect(text(synced.afterPowerLoss().peek('a'))).toBe('x')
  })

  test('open files of a killed process cannot be used by the next', async () => {
    const fs = new SimFs()
    await write(fs, 'a', 'x')
    const [one, other] = [fs.afterKill(), fs.afterKill()]
    await write(one, 'a', 'y')
    expect(text(other.peek('a'))).toBe('x')
    expect(text(fs.peek('a'))).toBe('x')
  })
})

describe('a crash at an operation', () => {
  test('before it has no effect, after it the full effect, during it a part', async () => {
    const left = async (style: 'before' | 'during' | 'after', seed: number): Promise<number> => {
      const fs = new SimFs({ random: seededRandom(seed) })
      fs.crashAt(2, style)
      await expect(write(fs, 'a', 'x'.repeat(100))).rejects.toThrow(SimulatedCrash)
      return fs.afterKill().peek('a')!.length
    }
    expect(await left('before', 1)).toBe(0)
    expect(await left('after', 1)).toBe(100)
    const lengths = await Promise.all(Array.from({ length: 10 }, (_, seed) => left('during', seed)))
    expect(lengths.some((length) => length > 0 && length < 100)).toBe(true)
  })

  test('ends running calls and all later ones', async () => {
    const fs = new SimFs({ random: seededRandom(3) })
    const file = await fs.open('a', 'create')
    fs.crashAt(2, 'after')
    const calls = [
      file.write(bytes('x')),
      fs.makeDirectory('d'),
      fs.rename('a', 'b'),
      fs.syncDirectory('.'),
      fs.stat('a'),
    ]
    const settled = await Promise.allSettled(calls)
    const happened = settled.filter(({ status }) => status === 'fulfilled')
    expect(happened.length).toBeLessThan(2)
    expect(fs.hasCrashed).toBe(true)
    await expect(fs.list('.')).rejects.toThrow(SimulatedCrash)
    await expect(file.close()).rejects.toThrow(SimulatedCrash)
  })

  test('an interrupted sync keeps some sectors', async () => {
    const sizes = new Set<number>()
    for (let seed = 0; seed < 50; seed++) {
      const fs = new SimFs({ random: seededRandom(seed) })
      fs.put('a', '')
      fs.crashAt(2, 'during')
      await expect(write(fs, 'a', 'x'.repeat(2_000), { sync: true })).rejects.toThrow(SimulatedCrash)
      sizes.add(
        fs
          .afterPowerLoss()
          .peek('a')!
          .filter((byte) => byte === 0x78).length,
      )
    }
    expect(sizes).toContain(0)
    expect(sizes).toContain(2_000)
    expect(sizes.size).toBeGreaterThan(4)
  })

  test('the log lists the operations of all processes', async () => {
    const fs = new SimFs()
    fs.crashAt(3, 'before')
    await expect(publishFile(fs, '.', 'a', bytes('xyz'))).rejects.toThrow(SimulatedCrash)
    const next = fs.afterKill()
    await next.remove('./a.tmp')
    expect(next.describe().split('\n')).toEqual([
      '1.1 create ./a.tmp',
      '1.2 write ./a.tmp: 3 of 3 bytes',
      '1.3 sync ./a.tmp: crash before it',
      '-- killed; nothing is lost',
      '2.1 remove ./a.tmp',
    ])
  })
})

describe('faults', () => {
  test('a full disk accepts what fits and rejects the next write', async () => {
    const fs = new SimFs({ capacityBytes: 10 })
    const file = await fs.open('a', 'create')
    expect(await file.write(bytes('1234567'))).toBe(7)
    expect(await file.write(bytes('1234567'))).toBe(3)
    await failure('FS_FULL', file.write(bytes('1')))
    fs.capacityBytes = 11
    expect(await file.write(bytes('12'))).toBe(1)
    expect(fs.afterKill().capacityBytes).toBe(11)
  })

  test('writeFully completes a short write', async () => {
    const fs = new SimFs()
    fs.writeBytesMax = 3
    await write(fs, 'a', '0123456789')
    expect(text(await readWhole(fs, 'a'))).toBe('0123456789')
    expect(fs.operations).toBe(5)
  })

  test('F6 data of a failed sync is lost, although the next sync succeeds', async () => {
    const fs = new SimFs()
    fs.put('a', '')
    fs.failNext('sync', 1)
    const file = await fs.open('a', 'append')
    await file.write(bytes('x'.repeat(600)))
    await failure('FS_SYNC_FAILED', file.sync())
    await file.write(bytes('y'.repeat(600)))
    await file.sync()
    const after = fs.afterPowerLoss(seededRandom(1)).peek('a')!
    expect(after.length).toBe(1_200)
    expect(after.subarray(0, 512).every((byte) => byte === 0)).toBe(true)
    expect(text(after.subarray(1_024))).toBe('y'.repeat(176))
  })

  test('names of a failed sync are never durable', async () => {
    const fs = new SimFs()
    fs.failNext('syncDirectory', 1)
    await write(fs, 'a', 'x', { sync: true })
    await failure('FS_SYNC_FAILED', fs.syncDirectory('.'))
    await write(fs, 'b', 'x', { sync: true })
    await fs.syncDirectory('.')
    expect(fs.afterPowerLoss().paths()).toEqual(['/b'])
  })

  test('a directory whose name was not synced by a failed sync is durable once it is created again', async () => {
    for (const isMadeAgain of [false, true]) {
      const fs = new SimFs()
      await fs.makeDirectory('d')
      fs.failNext('syncDirectory')
      await failure('FS_SYNC_FAILED', fs.syncDirectory('.'))
      if (isMadeAgain) {
        await fs.removeDirectory('d')
        await fs.makeDirectory('d')
      }
      await fs.syncDirectory('.')
      expect((await fs.afterPowerLoss().stat('d'))?.kind).toBe(isMadeAgain ? 'directory' : undefined)
    }
  })

  test('an operation that is set to fail by its number changes nothing', async () => {
    const fs = new SimFs()
    fs.put('a', 'x')
    fs.failAt(1)
    await failure('FS_IO', fs.rename('a', 'b'))
    expect(fs.paths()).toEqual(['/a'])
    await fs.rename('a', 'b')
  })

  test('a read-only disk rejects changes and can be read', async () => {
    const fs = new SimFs()
    fs.put('a', 'x')
    fs.isReadOnly = true
    await failure('FS_READ_ONLY', write(fs, 'a', 'y'))
    await failure('FS_READ_ONLY', fs.remove('a'))
    await failure('FS_READ_ONLY', fs.makeDirectory('d'))
    expect(text(await readWhole(fs, 'a'))).toBe('x')
  })

  test('a flipped bit and a lost file remain', async () => {
    const fs = new SimFs()
    fs.put('d/a', 'abc')
    fs.put('d/b', 'abc')
    fs.corrupt('d/a', 1, 0x20)
    fs.lose('d/b')
    const after = fs.afterPowerLoss()
    expect(after.paths()).toEqual(['/d/a'])
    expect(text(after.peek('d/a'))).toBe('aBc')
  })

  test('overlapping calls on one open file are rejected', async () => {
    const fs = new SimFs()
    const file = await fs.open('a', 'create')
    const first = file.write(bytes('x'))
    await failure('INTERNAL', file.sync())
    await first
    expect(fs.openPaths()).toEqual(['a'])
    await file.close()
    await file.close()
    expect(fs.openPaths()).toEqual([])
  })
})
