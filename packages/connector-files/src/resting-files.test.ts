import type { Json } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { appendTo, FileWorld, truncate } from '../test/file-world.ts'
import { FileCatalog, type FoundFile } from './file-catalog.ts'
import { PathPattern } from './path-pattern.ts'
import type { FilePosition } from './position.ts'
import type { ReadOptions } from './read-options.ts'
import { readLines } from './lines.ts'

// Closing files so that others can be opened, as the engine does.

let fs: SimFs
let world: FileWorld
let source: ReturnType<typeof readLines>
let split: string
let position: FilePosition
let values: string[]

const line = (n: number): string => `line ${n} `.padEnd(80, '.')

/** Opens the file, reads the available data and closes it. False if it has ended. */
async function look(): Promise<boolean> {
  const reader = await source.open(split, position, world.context)
  try {
    for (let idle = 0; idle < 3; idle++) {
      await world.pass(250)
      const poll = reader.poll(100)
      if (poll.kind === 'end') return false
      if (poll.kind === 'records') values.push(...poll.values)
    }
    position = reader.position()
    return true
  } finally {
    await reader.close()
  }
}

async function hasChanged(): Promise<boolean> {
  await source.discover(world.context)
  return (await source.changed!([{ split, position }], world.context)).length > 0
}

async function begin(options: ReadOptions = {}): Promise<void> {
  world = new FileWorld(fs, options.follow === false)
  source = readLines('logs/app.log', { follow: true, ...options })
  const { splits } = await source.discover(world.context)
  split = splits[0]!
}

beforeEach(async () => {
  fs = new SimFs()
  values = []
  position = undefined as never
  fs.put('logs/app.log', `${line(1)}\n`)
  await begin()
  await look()
  expect(values).toEqual([line(1)])
})

describe('a closed followed file', () => {
  test('counts as changed exactly when it was modified', async () => {
    for (let second = 0; second < 3; second++) expect(await hasChanged()).toBe(false)
    await appendTo(fs, 'logs/app.log', `${line(2)}\n`)
    expect(await hasChanged()).toBe(true)
    await look()
    expect(values).toEqual([line(1), line(2)])
    expect(await hasChanged()).toBe(false)
  })

  test('is not checked separately once it was listed', async () => {
    await world.pass(1_000)
    await source.discover(world.context)
    const stats = countStats()
    await source.changed!([{ split, position }], world.context)
    expect(stats()).toEqual([])
  })

  test('ends when it was renamed and is quiet for as long as an open one must be', async () => {
    await fs.rename('logs/app.log', 'logs/app.log.1')
    expect(await hasChanged()).toBe(false)
    await world.pass(3_000)
    await appendTo(fs, 'logs/app.log.1', `${line(2)}\n`)
    expect(await hasChanged()).toBe(true)
    expect(await look()).toBe(true)
    await world.pass(3_000)
    expect(await hasChanged()).toBe(false)
    await world.pass(3_000)
    expect(await hasChanged()).toBe(true)
    expect(await look()).toBe(false)
    expect(values).toEqual([line(1), line(2)])
  })

  test('that is truncated after it was read completely continues with a warning; one that grew before stops the job', async () => {
    await truncate(fs, 'logs/app.log')
    await appendTo(fs, 'logs/app.log', `${line(2)}\n`)
    expect(await hasChanged()).toBe(true)
    await look()
    expect(values).toEqual([line(1), line(2)])
    expect(world.warnings).toEqual([expect.stringMatching(/was truncated; .*, which was all of it$/)])
    // A check of the file that does not read all of it.
    await appendTo(fs, 'logs/app.log', `${line(3)}\n`)
    const reader = await source.open(split, position, world.context)
    await reader.close()
    await truncate(fs, 'logs/app.log')
    await expect(look()).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })

  test('that is removed ends', async () => {
    await fs.remove('logs/app.log')
    expect(await hasChanged()).toBe(true)
    expect(await look()).toBe(false)
    expect(world.warnings).toEqual([
      expect.stringContaining('there is no logs/app.log yet'),
      expect.stringMatching(/is missing, under every name; .*, which was all of it$/),
    ])
  })
})

describe('a file that an earlier run has read to its end', () => {
  test.each([
    ['is unchanged', async () => {}, false],
    ['has grown', () => appendTo(fs, 'logs/app.log', 'x'), true],
    [
      'was rewritten',
      async () => (await truncate(fs, 'logs/app.log'), appendTo(fs, 'logs/app.log', 'y'.repeat(81))),
      true,
    ],
    ['was renamed', () => fs.rename('logs/app.log', 'logs/app.log.1'), false],
  ] as const)('is opened only if it has changed: it %s', async (_name, change, expected) => {
    await begin({ follow: false })
    position = undefined as never
    const reader = await source.open(split, undefined, world.context)
    for (let poll = reader.poll(9); poll.kind !== 'end'; poll = reader.poll(9)) await reader.ready()
    position = JSON.parse(JSON.stringify(reader.position())) as FilePosition & Json
    await reader.close()
    await change()
    world = new FileWorld(fs, true)
    source = readLines('logs/app.log')
    expect(await source.changed!([{ split, position }], world.context)).toEqual(expected ? [split] : [])
  })
})

describe('discovery', () => {
  test('stats each listed file once, and a file given without wildcards once', async () => {
    for (let file = 0; file < 5; file++) fs.put(`logs/${file}.txt`, '')
    for (const paths of ['logs/*.txt', ['logs/0.txt', 'logs/1.txt', 'logs/missing.txt']]) {
      const some = readLines(paths, { follow: true })
      const stats = countStats()
      await some.discover(world.context)
      const looked = stats().filter((path) => path !== 'logs')
      expect(looked).toEqual([...new Set(looked)])
    }
  })

  test('searches once for hundreds of logs that are rotated at the same time', async () => {
    const paths = Array.from({ length: 200 }, (_, file) => `many/${file}.log`)
    for (const path of paths) fs.put(path, path)
    const catalog = new FileCatalog({ patterns: [new PathPattern('many/*.log')] })
    const files = await catalog.list(world.context)
    for (const path of paths) await fs.rename(path, `${path}.1`)
    const stats = countStats()
    const find = ({ identity, path }: FoundFile) => catalog.find(identity, world.context, path)
    const found = await Promise.all(files.map(find))
    expect(found.map((file) => file?.path)).toEqual(files.map(({ path }) => `${path}.1`))
    // One for its own name, and one in each of two listings.
    expect(stats().length).toBeLessThanOrEqual(200 * 3)
  })

  test('files removed from their directory are gone, files of a removed directory are not', async () => {
    for (const path of ['a/1.txt', 'a/2.txt', 'b/3.txt', 'b/4.txt']) fs.put(path, path)
    const some = readLines(['*/*.txt'], { follow: true, archive: 'old' })
    const { splits } = await some.discover(world.context)
    const gone = async (): Promise<readonly string[]> => {
      await some.discover(world.context)
      return some.gone!(splits, world.context)
    }
    expect(await gone()).toEqual([])
    await fs.remove('a/1.txt')
    expect(await gone()).toEqual([splits[0]])
    await fs.makeDirectory('old')
    await fs.rename('a/2.txt', 'old/2.txt')
    // As if the disk of the directory was not mounted.
    for (const path of ['b/3.txt', 'b/4.txt']) await fs.remove(path)
    await fs.removeDirectory('b')
    await fs.makeDirectory('b')
    expect(await gone()).toEqual([])
  })
})

/** Counts stat calls from now on. */
function countStats(): () => readonly string[] {
  const paths: string[] = []
  const stat = fs.stat.bind(fs)
  fs.stat = (path) => {
    paths.push(path)
    return stat(path)
  }
  return () => paths
}
