import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { platform as os } from 'node:process'
import type { Json } from '@millrace/core'
import type { ConnectorContext, Source } from '@millrace/core/connector'
import { nodeFs, nodePlatform } from '@millrace/node'
import { SimOwners } from '@millrace/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { files } from '../src/index.ts'
import { SourceRun } from './file-world.ts'

const platform = nodePlatform()
let directory = ''
let pipe = ''
let warnings: string[] = []
let writers: ChildProcess[] = []
let stop: AbortController

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/millrace-pipes-`)
  pipe = `${directory}/pipe`
  if (os !== 'win32') execFileSync('mkfifo', [pipe])
  warnings = []
  writers = []
  stop = new AbortController()
})

afterEach(async () => {
  for (const writer of writers) writer.kill('SIGKILL')
  await rm(directory, { recursive: true })
})

/** Starts a shell program. */
function shell(program: string): ChildProcess {
  const child = spawn('bash', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  writers.push(child)
  return child
}

function runOf<T>(source: Source<T>, isBounded = true): SourceRun<T> {
  const { clock, random } = platform
  const context: ConnectorContext = {
    name: 'subject',
    clock,
    random,
    fs: nodeFs,
    directory: `${directory}/data`,
    isBounded,
    start: { kind: 'first', checkpoint: undefined },
    signal: stop.signal,
    owner: new SimOwners().take(),
    warn: (message) => warnings.push(message),
    down: () => {},
    trying: () => {},
    up: () => {},
  }
  return new SourceRun(source, context)
}

async function readAll<T>(source: Source<T>): Promise<readonly T[]> {
  const run = runOf(source)
  await run.discover()
  await run.readToEnd()
  return run.values
}

async function until(run: SourceRun<string>, isDone: () => boolean): Promise<void> {
  for (run.poll(); !isDone(); run.poll()) await platform.scheduler.turn()
}

// Windows has no such pipes.
describe.skipIf(os === 'win32')('a pipe', () => {
  const numbers = Array.from({ length: 100_000 }, (_, index) => String(index + 1))

  test('is read until its writers close it, with a warning about crashes', async () => {
    shell(`(seq 1 50000; seq 50001 99999; printf 100000) > ${pipe}`)
    expect(await readAll(files.readLines(pipe))).toEqual(numbers)
    expect(warnings).toEqual([`${pipe} is a pipe, which cannot be read twice: a crash loses what was read`])
  })

  test('must stay open, while a file need not', async () => {
    shell(`seq 1 3 > ${pipe}`)
    await writeFile(`${directory}/file`, '4\n')
    const source = files.readLines([pipe, `${directory}/file`])
    const run = runOf(source)
    const stay = new Map<string, boolean | undefined>()
    const open = source.open.bind(source)
    source.open = async (split, ...rest) => {
      const reader = await open(split, ...rest)
      stay.set(split.startsWith('pipe:') ? 'pipe' : 'file', reader.mustStayOpen)
      return reader
    }
    await run.discover()
    await run.readToEnd()
    expect([...stay].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['file', false],
      ['pipe', true],
    ])
    expect(run.values.toSorted()).toEqual(['1', '2', '3', '4'])
  })

  test('may contain CSV, UTF-16 and gzip', async () => {
    shell(`printf 'a,b\\r1,"x\\ny"\\r' > ${pipe}`)
    expect(await readAll(files.readCsv(pipe))).toEqual([{ a: '1', b: 'x\ny' }])
    shell(`printf 'a\\0\\n\\0b\\0' > ${pipe}`)
    expect(await readAll(files.readLines(pipe, { encoding: 'utf16le' }))).toEqual(['a', 'b'])
    shell(`seq 1 100000 | gzip -c > ${pipe}`)
    expect(await readAll(files.readLines(pipe, { chunkBytes: 1_000 }))).toEqual(numbers)
  })

  test.runIf(os === 'linux')('of a process substitution is read, too', async () => {
    const child = shell('exec 9< <(seq 1 100000); echo ready; exec sleep 60')
    await once(child.stdout!, 'data')
    expect(await readAll(files.readLines(`/proc/${child.pid}/fd/9`))).toEqual(numbers)
  })

  test('that is followed is read from one writer after another', async () => {
    const run = runOf(files.readLines(pipe, { follow: true }), false)
    await run.discover()
    for (let writer = 1; writer <= 3; writer++) {
      const exit = once(shell(`echo ${writer} > ${pipe}`), 'exit')
      await until(run, () => run.values.length === writer)
      await exit
    }
    expect(run.values).toEqual(['1', '2', '3'])
    expect(run.openSplits).toBe(1)
    await run.close()
  })

  test('without a writer is waited for until a stop', async () => {
    const run = runOf(files.readLines(pipe), true)
    await run.discover()
    run.poll()
    stop.abort()
    await run.close()
    expect(run.values).toEqual([])
  })

  /** A run that has read three lines of a pipe that is still open, and its checkpoint. */
  async function readThree(source: Source<string>): Promise<ReturnType<SourceRun<string>['marks']>> {
    shell(`exec > ${pipe}; seq 1 3; exec sleep 60`)
    const run = runOf(source, false)
    await run.discover()
    await until(run, () => run.values.length === 3)
    const marks = run.marks()
    await run.close()
    return marks
  }

  async function begin(
    source: Source<string>,
    marks: Awaited<ReturnType<typeof readThree>>,
  ): Promise<SourceRun<string>> {
    const run = runOf(source, false)
    await run.restore(marks)
    await run.discover()
    return run
  }

  test('that was partly read before stops the job, in this process or another', async () => {
    const source = files.readLines(pipe, { follow: true })
    const marks = await readThree(source)
    const error = {
      code: 'SOURCE_FAILED',
      message: expect.stringMatching(
        /is a pipe, which cannot be read twice; 6 bytes of it were read before\. .*ifGone/,
      ),
    }
    await expect(begin(files.readLines(pipe, { follow: true }), marks)).rejects.toMatchObject(error)
    // A restart in the same process without a checkpoint detects it too.
    await expect(begin(source, new Map())).rejects.toMatchObject(error)
  })

  test("that was partly read before continues at its current data with ifGone: 'skip'", async () => {
    const source = files.readLines(pipe, { follow: true, ifGone: 'skip' })
    const run = await begin(source, await readThree(source))
    shell(`echo 4 > ${pipe}`)
    await until(run, () => run.values.length === 1)
    expect(run.values).toEqual(['4'])
    expect(warnings.at(-1)).toMatch(/6 bytes of it were read before$/)
    await run.close()
  })

  test('that has ended is a new one when it is read next', async () => {
    shell(`seq 1 3 > ${pipe}`)
    const first = runOf(files.readLines(pipe))
    await first.discover()
    await first.readToEnd()
    const position = [...first.marks().values()][0]!.position as { offset: number } & Json
    expect(position.offset).toBe(0)
    shell(`seq 4 6 > ${pipe}`)
    const next = runOf(files.readLines(pipe))
    await next.restore(new Map([[`pipe:${pipe}`, { position, isFinished: false }]]))
    await next.readToEnd()
    expect(next.values).toEqual(['4', '5', '6'])
  })

  test('a device is rejected', async () => {
    await expect(readAll(files.readLines('/dev/zero'))).rejects.toMatchObject({
      code: 'FS_IO',
      message: '/dev/zero: is a device; give a file or a pipe',
    })
  })
})
