import type { StoreSnapshot } from '@millrace/core/store'
import type { Fs, FsFile, FsMode } from '@millrace/core/disk'
import { isMillraceError } from '@millrace/core'
import { publishFile, readWhole } from '@millrace/core/disk'
import { crashEverywhere, SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../src/memory-store.ts'
import { StoreRun } from './store-run.ts'

describe('a disk that fails', () => {
  test('short writes are continued', async () => {
    const fs = new SimFs()
    fs.writeBytesMax = 7
    const run = await StoreRun.open<string>(fs)
    for (let i = 0; i < 50; i++) run.set(null, i, `value ${i}`)
    const again = await StoreRun.open<string>(fs, { from: await run.checkpoint() })
    expect(again.content()).toEqual(run.content())
  })

  test.each(['write', 'sync', 'create', 'syncDirectory'] as const)(
    'a failed %s fails the snapshot and every later one, with the first cause',
    async (kind) => {
      const fs = new SimFs()
      const run = await StoreRun.open<string>(fs)
      run.set(null, 'a', 'one')
      fs.failNext(kind)
      const first = await run.checkpoint().catch((error: unknown) => error)
      const code = kind === 'sync' || kind === 'syncDirectory' ? 'FS_SYNC_FAILED' : 'FS_IO'
      expect(isMillraceError(first, code)).toBe(true)
      run.set(null, 'a', 'two')
      const before = fs.operations
      expect(await run.checkpoint().catch((error: unknown) => error)).toBe(first)
      expect(fs.operations).toBe(before)
      await run.store.close()
      expect(fs.openPaths()).toEqual([])
    },
  )

  test('a full disk fails with FS_FULL, and the previous snapshot stays intact', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    run.set(null, 'a', 'one')
    const from = await run.checkpoint()
    fs.capacityBytes = 500
    run.set(null, 'a', 'x'.repeat(1000))
    await expect(run.checkpoint()).rejects.toSatisfy((error: unknown) => isMillraceError(error, 'FS_FULL'))
    expect((await StoreRun.open<string>(fs, { from })).get(null, 'a')).toBe('one')
  })

  test('a file that cannot be removed is tried again', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    for (const key of ['a', 'b']) {
      run.set(null, key, 'x'.repeat(5000))
      await run.checkpoint()
    }
    for (const key of ['a', 'b']) run.set(null, key, 'y')
    fs.failNext('remove')
    await expect(run.checkpoint()).rejects.toSatisfy((error: unknown) => isMillraceError(error, 'FS_IO'))
    expect(fs.paths().length).toBe(3)
    await run.checkpoint()
    expect(fs.paths().length).toBe(1)
  })
})

/** A disk whose writes wait until they are released. */
class StuckFs extends SimFs {
  waiting: (() => void)[] = []

  override async open(path: string, mode: FsMode): Promise<FsFile> {
    const file = await super.open(path, mode)
    const write = file.write.bind(file)
    file.write = async (bytes) => {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
      return write(bytes)
    }
    return file
  }
}

describe('a slow disk', () => {
  const store = { segmentBytes: 64 * 1024 * 1024 }

  async function frozen(fs: Fs): Promise<StoreRun<string>> {
    const run = await StoreRun.open<string>(fs, { store })
    for (let i = 0; i < 120; i++) run.set(null, i, 'x'.repeat(100_000))
    run.freeze()
    return run
  }

  test('makes encoding pause, with a bounded number of waiting bytes', async () => {
    const fs = new StuckFs()
    const run = await frozen(fs)
    let slices = 0
    while (!run.slice() && slices < 500) slices++
    expect(slices).toBe(500)
    const encoded = run.store.usage().liveBytes
    expect(encoded).toBeGreaterThan(3_000_000)
    expect(encoded).toBeLessThan(7_000_000)
    while (!run.slice()) {
      await new Promise((resolve) => setImmediate(resolve))
      for (const go of fs.waiting.splice(0)) go()
    }
    const durable = run.store.persist()
    for (let turn = 0; turn < 100; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      for (const go of fs.waiting.splice(0)) go()
    }
    const again = await StoreRun.open<string>(fs, { from: await durable })
    expect(again.store.usage().cells).toBe(120)
  })
})

test('snapshots and changes continue while an earlier snapshot is made durable', async () => {
  const fs = new SimFs()
  const run = await StoreRun.open<number>(fs)
  const durable: Promise<StoreSnapshot>[] = []
  for (let n = 0; n < 5; n++) {
    run.set(null, 'a', n)
    run.freeze()
    run.slice()
    durable.push(run.store.persist())
  }
  for (const [n, snapshot] of (await Promise.all(durable)).entries()) {
    const copy = new SimFs()
    for (const path of fs.paths()) copy.put(path, fs.peek(path)!)
    expect((await StoreRun.open<number>(copy, { from: snapshot })).get(null, 'a')).toBe(n)
  }
})

test('EN-209 a crash at any operation leaves the newest published snapshot intact', async () => {
  const report = await crashEverywhere(
    () => {
      const published: { readonly snapshot: StoreSnapshot; readonly content: unknown }[] = []
      return {
        async run(fs) {
          let newest: StoreSnapshot | undefined
          for (let life = 0; life < 2; life++) {
            const run = await StoreRun.open<string>(fs, {
              parallelism: life + 1,
              ...(newest && { from: newest }),
            })
            for (let checkpoint = 0; checkpoint < 3; checkpoint++) {
              for (let key = 0; key < 6; key++) run.set('w', (key + checkpoint) % 8, 'x'.repeat(900 + life))
              run.set('v', life * 3 + checkpoint, 'kept')
              if (checkpoint === 2) run.deleteOuter('w')
              if (checkpoint === 1) run.delete('v', life)
              run.freeze()
              await run.encode()
              const content = cells(run)
              const snapshot = await run.store.persist()
              published.push({ snapshot, content })
              await publishFile(fs, '/', 'manifest', new TextEncoder().encode(JSON.stringify(snapshot)))
              newest = snapshot
              await run.store.release([snapshot])
            }
            await run.store.close()
          }
        },
        async verify(fs) {
          if (fs.peek('/manifest') === undefined) return
          const snapshot = JSON.parse(
            new TextDecoder().decode(await readWhole(fs, '/manifest')),
          ) as StoreSnapshot
          const promised = published.findLast(
            (each) => JSON.stringify(each.snapshot) === JSON.stringify(snapshot),
          )
          const run = await StoreRun.open<string>(fs, { from: snapshot })
          expect(cells(run)).toEqual(promised!.content)
          // The next run works, and leaves no file behind that no manifest names.
          run.set('v', 'new', 'value')
          const next = await run.checkpoint()
          const files = (next as { segments: { file: string }[] }).segments.map(
            ({ file }) => `/data/state/${file}`,
          )
          expect(fs.paths().filter((path) => path.startsWith('/data/'))).toEqual(files)
          await run.store.close()
        },
      }
    },
    { seeds: 2 },
  )
  expect(report.operations).toBeGreaterThan(50)
}, 120_000)

test.each([
  { segmentBytes: 4095 },
  { segmentBytes: 1e6 + 0.5 },
  { segmentBytes: Number.NaN },
  { deadRatioMax: 0 },
  { deadRatioMax: 1 },
  { deadRatioMax: Number.NaN },
])('invalid options are rejected: %o', (options) => {
  expect(() => memoryStore(options)).toThrow(
    expect.toSatisfy((error: unknown) => isMillraceError(error, 'OPTION_INVALID')),
  )
})

/** All cells, from all subtasks. */
function cells(run: StoreRun<string>): unknown {
  const flat = run
    .content()
    .flatMap((table) =>
      table.flatMap(([outer, each]) =>
        each.map(([inner, value]) => `${String(outer)} ${String(inner)} ${value}`),
      ),
    )
  return flat.sort()
}
