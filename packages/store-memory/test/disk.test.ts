import type { StoreSnapshot } from '@millrace/core/store'
import { isMillraceError } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { StoreRun } from './store-run.ts'

const corruptCheckpoint = expect.toSatisfy((error: unknown) => isMillraceError(error, 'CHECKPOINT_CORRUPT'))

function filesOf(snapshot: StoreSnapshot): string[] {
  return (snapshot as { segments: { file: string }[] }).segments.map(({ file }) => `/data/state/${file}`)
}

function bytesOnDisk(fs: SimFs): number {
  return fs.paths().reduce((sum, path) => sum + fs.peek(path)!.length, 0)
}

/** The same numbers on every run, well spread. */
function* numbers(): Generator<number, never> {
  for (let state = 1; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state >>> 8
  }
}

describe('disk space follows the live state', () => {
  const options = { store: { segmentBytes: 16 * 1024 } }

  test('EN-190 random overwrites over thousands of checkpoints use less than three times the live size', async () => {
    const fs = new SimFs()
    let run = await StoreRun.open<string>(fs, options)
    const random = numbers()
    for (let key = 0; key < 1000; key++) run.set(null, key, 'x'.repeat(40))
    let most = 0
    for (let checkpoint = 0; checkpoint < 3000; checkpoint++) {
      for (let i = 0; i < 20; i++) run.set(null, random.next().value % 1000, 'x'.repeat(30 + (i % 20)))
      const from = await run.checkpoint()
      const { liveBytes, diskBytes } = run.store.usage()
      expect(bytesOnDisk(fs)).toBe(diskBytes)
      most = Math.max(most, diskBytes / liveBytes)
      if (checkpoint % 500 === 499) {
        await run.store.close()
        run = await StoreRun.open(fs, { ...options, from })
        expect(run.store.usage()).toMatchObject({ cells: 1000, liveBytes, diskBytes })
      }
    }
    expect(most).toBeLessThan(3)
  }, 120_000)

  test('EN-190 old unchanged keys survive a churn of young ones, which leaves little behind', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs, options)
    for (let key = 0; key < 300; key++) run.set(null, `old ${key}`, 'x'.repeat(40))
    let last: StoreSnapshot = null
    for (let window = 0; window < 1000; window++) {
      for (let key = 0; key < 20; key++) run.set(window, key, 'y'.repeat(20))
      if (window > 2) run.deleteOuter(window - 2)
      if (window > 2 && window % 2 === 0) run.delete(window - 1, 7)
      last = await run.checkpoint()
      const { liveBytes } = run.store.usage()
      expect(bytesOnDisk(fs)).toBeLessThan(3 * liveBytes)
    }
    const again = await StoreRun.open<string>(fs, { ...options, from: last })
    expect(again.content()).toEqual(run.content())
  }, 120_000)

  test('EN-190 cleared state eventually frees its files', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs, options)
    for (let key = 0; key < 1000; key++) run.set('w', key, 'x'.repeat(40))
    await run.checkpoint()
    run.deleteOuter('w')
    await run.checkpoint()
    await run.checkpoint()
    expect(run.store.usage().liveBytes).toBe(0)
    expect(bytesOnDisk(fs)).toBeLessThan(300)
  })

  test('many restarts do not leave many files', async () => {
    const fs = new SimFs()
    let from: StoreSnapshot | undefined
    for (let life = 0; life < 300; life++) {
      const run = await StoreRun.open<number>(fs, {
        store: { segmentBytes: 1024 * 1024 },
        ...(from && { from }),
      })
      run.set(null, life, life)
      from = await run.checkpoint()
      await run.store.close()
    }
    expect(fs.paths().length).toBeLessThan(70)
    const last = await StoreRun.open<number>(fs, { from: from! })
    expect(last.content()[0]![0]![1]).toEqual(Array.from({ length: 300 }, (_, life) => [life, life]))
  })

  test('an abandoned run does not keep compaction from ending', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs, { ...options, names: ['state', 'other'] })
    for (let key = 0; key < 500; key++) run.set(null, key, 'x'.repeat(40), 'other')
    await run.checkpoint()
    for (let checkpoint = 0; checkpoint < 200; checkpoint++) {
      for (let key = 0; key < 100; key++) run.set(null, key, 'x'.repeat(40))
      run.freeze()
      run.slice()
      await run.checkpoint()
    }
    const { liveBytes, diskBytes } = run.store.usage()
    expect(diskBytes).toBeLessThan(3 * liveBytes)
  })
})

describe('files exist as long as a manifest names them', () => {
  test('EN-205 EN-206 a file shared by several snapshots is deleted with the last of them', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    run.set(null, 'stays', 'x'.repeat(5000))
    const snapshots: StoreSnapshot[] = []
    for (let checkpoint = 0; checkpoint < 20; checkpoint++) {
      run.set(null, 'changes', `${checkpoint}${'y'.repeat(3000)}`)
      run.freeze()
      await run.encode()
      const before = new Set(fs.paths())
      snapshots.unshift(await run.store.persist())
      // Nothing is deleted before the manifest of the new snapshot is published.
      expect([...before].filter((path) => !fs.paths().includes(path))).toEqual([])
      snapshots.length = Math.min(snapshots.length, 3)
      await run.store.release(snapshots)
      expect(fs.paths()).toEqual([...new Set(snapshots.flatMap(filesOf))].sort())
    }
    for (const [age, from] of snapshots.entries()) {
      const old = await StoreRun.open<string>(copyOf(fs), { from })
      expect(old.get(null, 'changes')).toBe(`${19 - age}${'y'.repeat(3000)}`)
      expect(old.get(null, 'stays')).toBe('x'.repeat(5000))
    }
  })

  test('EN-205 a snapshot whose manifest was never published frees nothing', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    run.set(null, 'a', 'x'.repeat(5000))
    const published = await run.checkpoint()
    run.set(null, 'a', 'y'.repeat(5000))
    run.freeze()
    await run.encode()
    await run.store.persist()
    await run.store.release([published])
    expect((await StoreRun.open<string>(copyOf(fs), { from: published })).get(null, 'a')).toBe(
      'x'.repeat(5000),
    )
  })

  test('EN-209 a file that no manifest names is deleted at the start, and its number is not reused', async () => {
    const fs = new SimFs()
    const first = await StoreRun.open<number>(fs)
    first.set(null, 'a', 1)
    const from = await first.checkpoint()
    first.set(null, 'a', 2)
    await first.checkpoint()
    await first.store.close()
    fs.put('/data/state/segment-000007.1.seg', 'left by a run that published nothing')
    fs.put('/data/state/notes.txt', 'not ours')
    const second = await StoreRun.open<number>(fs, { from })
    expect(second.get(null, 'a')).toBe(1)
    expect(fs.paths()).toEqual(['/data/state/notes.txt', '/data/state/segment-000001.1.seg'])
    second.set(null, 'a', 3)
    expect(filesOf(await second.checkpoint())).toContain('/data/state/segment-000008.1.seg')
  })

  test('EN-205 EN-206 after a fallback the files of other kept snapshots stay until those are dropped', async () => {
    const fs = new SimFs()
    const first = await StoreRun.open<string>(fs)
    const snapshots: StoreSnapshot[] = []
    for (let n = 0; n < 3; n++) {
      first.set(null, 'a', `${n}${'x'.repeat(5000)}`)
      first.freeze()
      await first.encode()
      snapshots.push(await first.store.persist())
    }
    await first.store.close()
    const second = await StoreRun.open<string>(fs, { from: snapshots[0]!, retained: snapshots })
    expect(fs.paths()).toEqual(snapshots.flatMap(filesOf))
    second.set(null, 'b', 'y')
    second.freeze()
    await second.encode()
    const newest = await second.store.persist()
    expect((newest as { number: number }).number).toBe(4)
    await second.store.release([newest, snapshots[1]!])
    expect(fs.paths()).toEqual([...new Set([...filesOf(newest), ...filesOf(snapshots[1]!)])].sort())
    await second.store.release([newest])
    expect(fs.paths()).toEqual(filesOf(newest))
  })

  test('the restored snapshot is kept, whether or not its manifest is', async () => {
    const fs = new SimFs()
    const first = await StoreRun.open<number>(fs)
    first.set(null, 'a', 1)
    const from = await first.checkpoint()
    await first.store.close()
    expect((await StoreRun.open<number>(fs, { from, retained: [] })).get(null, 'a')).toBe(1)
  })

  test('a file that is already deleted is not an error', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    for (let i = 0; i < 3; i++) {
      run.set(null, 'a', `${i}${'x'.repeat(5000)}`)
      run.freeze()
      await run.encode()
      const snapshot = await run.store.persist()
      for (const path of fs.paths()) if (!filesOf(snapshot).includes(path)) fs.lose(path)
      await run.store.release([snapshot])
    }
    expect(fs.paths().length).toBe(1)
  })
})

describe('EN-214 damage is detected', () => {
  async function small(): Promise<{ fs: SimFs; from: StoreSnapshot; path: string }> {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    for (const key of ['a', 'b', 'c']) run.set('w', key, `value of ${key}`)
    await run.checkpoint()
    run.delete('w', 'b')
    run.set('w', 'c', 'another')
    const from = await run.checkpoint()
    await run.store.close()
    return { fs, from, path: filesOf(from)[0]! }
  }

  test('a flipped bit anywhere in a named file', async () => {
    const { fs, from, path } = await small()
    for (let offset = 0; offset < fs.peek(path)!.length; offset++) {
      fs.corrupt(path, offset, 1 << (offset % 8))
      await expect(StoreRun.open(fs, { from })).rejects.toEqual(corruptCheckpoint)
      fs.corrupt(path, offset, 1 << (offset % 8))
    }
    expect((await StoreRun.open<string>(fs, { from })).get('w', 'c')).toBe('another')
  })

  test('a file truncated anywhere', async () => {
    const { fs, from, path } = await small()
    const whole = fs.peek(path)!
    for (let length = 0; length < whole.length; length++) {
      fs.put(path, whole.subarray(0, length))
      await expect(StoreRun.open(fs, { from })).rejects.toEqual(corruptCheckpoint)
    }
  })

  test('a missing file, with its name in the message', async () => {
    const { fs, from, path } = await small()
    fs.lose(path)
    await expect(StoreRun.open(fs, { from })).rejects.toThrow(/segment-000001\.1\.seg: the file is missing/)
  })

  test('the place in the message', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    for (const key of ['a', 'b', 'c']) run.set('w', key, 'x'.repeat(300))
    const from = await run.checkpoint()
    const [path] = filesOf(from)
    fs.corrupt(path!, fs.peek(path!)!.length - 10, 1)
    await expect(StoreRun.open(fs, { from })).rejects.toThrow(
      /segment-000001\.1\.seg, byte [1-9]\d*: the checksum/,
    )
  })

  test('an intact file of another run under the same name', async () => {
    const { fs, from, path } = await small()
    const other = new SimFs()
    const run = await StoreRun.open<string>(other)
    for (const key of ['a', 'b', 'c']) run.set('w', key, `VALUE of ${key}`)
    await run.checkpoint()
    run.delete('w', 'b')
    run.set('w', 'c', 'ANOTHER')
    await run.checkpoint()
    expect(other.peek(path)!.length).toBe(fs.peek(path)!.length)
    fs.put(path, other.peek(path)!)
    await expect(StoreRun.open(fs, { from })).rejects.toThrow(/differ from those that the checkpoint names/)
  })

  test('an invalid snapshot in a manifest', async () => {
    const { fs, from } = await small()
    const snapshot = from as { segments: object[] }
    const named = snapshot.segments[0]!
    const wrong = [
      null,
      [],
      'text',
      {},
      { ...snapshot, seq: -1 },
      { ...snapshot, segments: [{ ...named, file: '../../manifest' }] },
      { ...snapshot, segments: [{ ...named, file: 'segment-1.seg' }] },
      { ...snapshot, tables: [{}] },
    ] as StoreSnapshot[]
    for (const each of wrong)
      await expect(StoreRun.open(fs, { from: each })).rejects.toEqual(corruptCheckpoint)
    for (const format of [1, 3]) {
      const from = { ...snapshot, format } as StoreSnapshot
      await expect(StoreRun.open(fs, { from })).rejects.toThrow(
        `has format ${format}; this version reads format 2: restore it with the version of Millrace that made it`,
      )
    }
  })
})

function copyOf(fs: SimFs): SimFs {
  const copy = new SimFs()
  for (const path of fs.paths()) copy.put(path, fs.peek(path)!)
  return copy
}
