import { gzipSync } from 'node:zlib'
import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { appendTo, FileWorld, readAll, SourceRun, type SplitMark } from '../test/file-world.ts'
import { readLines } from './lines.ts'
import { readCsv } from './read-csv.ts'

const lines = Array.from({ length: 3_000 }, (_, index) => `line ${index} ${'grün'.repeat(index % 7)}`)
const text = `${lines.join('\n')}\n`
const packed = gzipSync(text)

function diskWith(path: string, content: Uint8Array): SimFs {
  const fs = new SimFs()
  fs.put(path, content)
  return fs
}

async function failureOf(
  content: Uint8Array,
  path = 'in.gz',
): Promise<{ run: SourceRun<string>; error: Error }> {
  const run = new SourceRun(
    readLines(path, { chunkBytes: 500 }),
    new FileWorld(diskWith(path, content), true).context,
  )
  await run.discover()
  const error = await run.readToEnd().then(
    () => expect.unreachable('it ended without an error'),
    (thrown: unknown) => thrown as Error,
  )
  await run.close()
  return { run, error }
}

describe('gzip files', () => {
  test.each([1_000, 65_536])('are inflated, read %i bytes at a time', async (chunkBytes) => {
    const run = await readAll(readLines('in.gz', { chunkBytes }), diskWith('in.gz', packed), 100)
    expect(run.values).toEqual(lines)
    expect(run.taken[2]!.place).toBe(`in.gz line 3, byte ${Buffer.from(`${lines[0]}\n${lines[1]}\n`).length}`)
  })

  test('are detected by their first bytes, whatever their name', async () => {
    expect((await readAll(readLines('in.log'), diskWith('in.log', packed))).values).toEqual(lines)
  })

  test('may have several members, with zeros after them', async () => {
    const members = Buffer.concat([
      gzipSync('a\nb'),
      gzipSync('c\n'),
      gzipSync(''),
      gzipSync('d'),
      Buffer.alloc(512),
    ])
    for (const chunkBytes of [1, 7, 1_000]) {
      const run = await readAll(readLines('in.gz', { chunkBytes }), diskWith('in.gz', members))
      expect(run.values).toEqual(['a', 'bc', 'd'])
    }
  })

  test('EN-213 a position is the next record, also inside a gzip file', async () => {
    const fs = diskWith('in.csv.gz', gzipSync(`n\n${lines.map((_, index) => index).join('\n')}\n`))
    const source = () => readCsv('in.csv.gz', { parse: ({ n }) => Number(n), chunkBytes: 300 })
    const world = new FileWorld(fs, true)
    const first = new SourceRun(source(), world.context)
    await first.discover()
    const marks: [read: number, marks: ReadonlyMap<string, SplitMark>][] = []
    while (first.openSplits > 0) {
      marks.push([first.values.length, first.marks()])
      first.poll(97)
      await world.turn()
    }
    for (const [read, mark] of marks.filter((_, index) => index % Math.ceil(marks.length / 20) === 0)) {
      const next = new SourceRun(source(), new FileWorld(fs, true).context)
      await next.restore(mark)
      await next.readToEnd()
      expect(next.values).toEqual(lines.map((_, index) => index).slice(read))
    }
    expect(marks.length).toBeGreaterThan(5)
  })

  test('a change since the checkpoint is an error', async () => {
    const fs = diskWith('in.gz', packed)
    const first = new SourceRun(readLines('in.gz'), new FileWorld(fs, true).context)
    await first.discover()
    await first.readToEnd()
    const [[split, { position }] = expect.unreachable()] = first.marks()
    for (const content of [gzipSync(text.replaceAll('line', 'LINE')), gzipSync('short\n')]) {
      const file = await fs.open('in.gz', 'append')
      await file.truncate(0)
      await file.write(content)
      await file.close()
      const next = new SourceRun(readLines('in.gz'), new FileWorld(fs, true).context)
      await next.restore(new Map([[split, { position, isFinished: false }]]))
      await expect(next.readToEnd()).rejects.toThrow(/in\.gz .*no longer holds what was read from it/)
    }
  })
})

describe('a damaged gzip file', () => {
  test('that is truncated delivers the records before that, and then an error with file and offsets', async () => {
    const { run, error } = await failureOf(packed.subarray(0, packed.length - 900))
    expect(run.values.length).toBeGreaterThan(1_000)
    expect(run.values).toEqual(lines.slice(0, run.values.length))
    expect(error).toMatchObject({
      code: 'DECODE_FAILED',
      message: expect.stringMatching(
        /in\.gz byte \d+ \(\d+ inflated\): the gzip file is damaged: unexpected end of file/,
      ),
    })
  })

  test.each([
    ['truncated in its trailer', packed.subarray(0, packed.length - 4)],
    ['with a wrong checksum', Buffer.from(packed).fill(0x55, packed.length - 8, packed.length - 4)],
    ['with a wrong byte', Buffer.from(packed).fill(0x55, packed.length >> 1, (packed.length >> 1) + 1)],
    ['that is not gzip', Buffer.from('plain text\n')],
    ['that is empty', new Uint8Array(0)],
    ['with text after it', Buffer.concat([packed, Buffer.from('more')])],
  ])('%s never ends as if it were complete', async (_name, content) => {
    const { error } = await failureOf(content)
    expect(error).toMatchObject({ code: 'DECODE_FAILED', message: expect.stringContaining('in.gz byte') })
  })

  test("that is truncated is read as far as possible with ifDamaged: 'skip', without a partial line", async () => {
    const fs = diskWith('in/a.gz', packed.subarray(0, packed.length - 900))
    fs.put('in/b.gz', Buffer.from(packed).fill(0x55, packed.length - 8, packed.length - 4))
    const world = new FileWorld(fs, true)
    const run = new SourceRun(readLines('in', { ifDamaged: 'skip', chunkBytes: 500 }), world.context)
    await run.discover()
    await run.readToEnd()
    for (const name of ['a', 'b']) {
      const taken = run.taken.filter(({ place }) => place.startsWith(`in/${name}.gz`))
      expect(taken.length).toBeGreaterThan(1_000)
      expect(taken.map(({ value }) => value)).toEqual(lines.slice(0, taken.length))
    }
    expect(world.warnings.toSorted()).toEqual([
      expect.stringMatching(
        /in\/a\.gz byte \d+ \(\d+ inflated\): the gzip file is damaged: .*; what follows is skipped$/,
      ),
      expect.stringMatching(
        /in\/b\.gz byte \d+ \(\d+ inflated\): the gzip file is damaged: .*; what follows is skipped$/,
      ),
    ])
  })

  test('that inflates to a thousand times its size is read in bounded chunks', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000, 'x'))
    const run = await readAll(readLines('in.gz', { recordBytesMax: 100_000 }), diskWith('in.gz', bomb))
    expect(run.values).toEqual([])
    expect(run.failures).toMatchObject([{ error: { code: 'RECORD_TOO_LARGE' } }])
    expect(run.failures[0]!.raw).toHaveLength(1_024)
  })
})

describe('a followed gzip file', () => {
  /** zlib uses its own threads, which no simulated clock waits for. */
  async function until(world: FileWorld, run: SourceRun<string>, isDone: () => boolean): Promise<void> {
    for (run.poll(); !isDone(); run.poll()) {
      if (world.clock.pending > 0) await world.pass(200)
      await world.turn()
    }
  }

  const append = (fs: SimFs, content: Uint8Array): Promise<void> => appendTo(fs, 'in.gz', content)

  async function follow(
    content: Uint8Array,
  ): Promise<{ fs: SimFs; world: FileWorld; run: SourceRun<string> }> {
    const fs = diskWith('in.gz', content)
    const world = new FileWorld(fs, false)
    const run = new SourceRun(readLines('in.gz', { follow: true }), world.context)
    await run.discover()
    return { fs, world, run }
  }

  test('that is still being written is waited for, however long that takes', async () => {
    const { fs, world, run } = await follow(packed.subarray(0, 2_000))
    await until(world, run, () => run.values.length > 100)
    for (let hour = 0; hour < 3; hour++) await world.pass(3_600_000)
    await append(fs, packed.subarray(2_000))
    await until(world, run, () => run.values.length === lines.length)
    expect([run.values, run.openSplits]).toEqual([lines, 1])
    await run.close()
  })

  test('with appended members is read further, also after a restart', async () => {
    const { fs, world, run } = await follow(gzipSync('1\n2\n'))
    await until(world, run, () => run.values.length === 2)
    await world.pass(3_600_000)
    await append(fs, gzipSync('3\n4'))
    await until(world, run, () => run.values.length === 3)
    const marks = run.marks()
    await run.close()
    await append(fs, gzipSync('4\n5\n'))
    const next = new SourceRun(readLines('in.gz', { follow: true }), new FileWorld(fs, false, 2).context)
    await next.restore(marks)
    await until(world, next, () => next.values.length === 2)
    expect([...run.values, ...next.values]).toEqual(['1', '2', '3', '44', '5'])
    await next.close()
  })

  test('is finished once it was renamed and is quiet', async () => {
    const { fs, world, run } = await follow(packed)
    await until(world, run, () => run.values.length === lines.length)
    await fs.rename('in.gz', 'old.gz')
    await until(world, run, () => run.openSplits === 0)
    expect(world.warnings).toEqual([])
  })

  test('that was removed before it was complete is an error', async () => {
    const { fs, world, run } = await follow(packed.subarray(0, 2_000))
    await until(world, run, () => run.values.length > 100)
    await fs.remove('in.gz')
    await expect(until(world, run, () => false)).rejects.toMatchObject({ code: 'DECODE_FAILED' })
    await run.close()
  })
})
