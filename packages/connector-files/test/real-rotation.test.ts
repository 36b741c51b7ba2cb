import {
  appendFile,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { nodeFs, nodePlatform } from '@millrace/node'
import { SimOwners } from '@millrace/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { files, type ReadOptions } from '../src/index.ts'
import { SourceRun, type SplitMark } from './file-world.ts'

// Rotations on the disk of this machine: real inodes, links and renames.

const platform = nodePlatform()
let directory = ''
let log = ''

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/millrace-rotation-`)
  log = `${directory}/logs/app.log`
  await mkdir(`${directory}/logs`)
  await mkdir(`${directory}/old`)
})

afterEach(() => rm(directory, { recursive: true }))

const linesOf = (from: number, to: number): string[] =>
  Array.from(
    { length: to - from },
    (_, index) => `${String(from + index).padStart(4, '0')} a line of the log`,
  )
const textOf = (from: number, to: number): string =>
  linesOf(from, to)
    .map((line) => `${line}\n`)
    .join('')

/** A bounded run of a source from the end of the previous one. */
async function readOn(
  options: ReadOptions,
  marks: ReadonlyMap<string, SplitMark>,
): Promise<{ values: readonly string[]; marks: ReadonlyMap<string, SplitMark> }> {
  const { clock, random } = platform
  const run = new SourceRun(files.readLines(log, { chunkBytes: 64, ...options }), {
    name: 'subject',
    clock,
    random,
    fs: nodeFs,
    directory: `${directory}/data`,
    isBounded: true,
    start: { kind: 'first', checkpoint: undefined },
    signal: new AbortController().signal,
    owner: new SimOwners().take(),
    warn: () => {},
    down: () => {},
    trying: () => {},
    up: () => {},
  })
  await run.restore(marks)
  await run.discover()
  await run.readToEnd()
  const positions = Array.from(
    run.marks(),
    ([split, { position }]) => [split, { position, isFinished: false }] as const,
  )
  await run.close()
  return { values: run.values, marks: new Map(positions) }
}

const rotations: readonly [string, () => Promise<void>][] = [
  ['renamed beside', () => rename(log, `${log}.1`)],
  ['moved to another directory', () => rename(log, `${directory}/old/app.log-1`)],
  [
    'relinked: another hard link keeps it',
    async () => {
      await link(log, `${directory}/old/app.log-1`)
      await unlink(log)
    },
  ],
  [
    'relinked: the symbolic link points to another file',
    async () => {
      // The log was a link before the job first read it.
      await unlink(log)
      await writeFile(`${directory}/old/day-2.log`, '')
      await symlink('../old/day-2.log', log)
    },
  ],
  [
    'copied and truncated',
    async () => {
      await copyFile(log, `${log}.1`)
      await truncate(log)
    },
  ],
  [
    'compressed into the archive',
    async () => {
      await writeFile(`${directory}/old/app.log-1.gz`, await promisify(gzip)(textOf(0, 20)))
      await unlink(log)
    },
  ],
]

test.each(rotations)('a log was %s between two runs: every line is read once', async (_name, rotate) => {
  const isLink = rotate === rotations[3]![1]
  if (isLink) {
    await writeFile(`${directory}/old/day-1.log`, textOf(0, 10))
    await symlink('../old/day-1.log', log)
  } else await writeFile(log, textOf(0, 10))
  const options = { archive: `${directory}/old` }
  const first = await readOn(options, new Map())
  await appendFile(log, textOf(10, 20))
  await rotate()
  await appendFile(log, textOf(20, 30))
  const second = await readOn(options, first.marks)
  expect([...first.values, ...second.values].toSorted()).toEqual(linesOf(0, 30))
  await appendFile(log, textOf(30, 40))
  const third = await readOn(options, second.marks)
  expect(third.values).toEqual(linesOf(30, 40))
})

test('a log that was moved away, with no archive named, stops the next run', async () => {
  await writeFile(log, textOf(0, 10))
  const { marks } = await readOn({ follow: true }, new Map())
  await rename(log, `${directory}/old/app.log-1`)
  await writeFile(log, textOf(20, 30))
  await expect(readOn({ follow: true }, marks)).rejects.toMatchObject({
    code: 'SOURCE_FAILED',
    message: expect.stringContaining(`${log} is missing, under every name; it had been read up to byte`),
  })
})
