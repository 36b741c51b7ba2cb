import path from 'node:path'
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { platform as os } from 'node:process'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ConnectorContext } from '@millrace/core/connector'
import { nodeFs, nodePlatform } from '@millrace/node'
import { noRejection, SimOwners } from '@millrace/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { files } from '../src/index.ts'
import { SourceRun } from './file-world.ts'
import { batchOf } from './sink-run.ts'

// What the simulated file system cannot show: reused inodes, real renames, real reads and writes.

const platform = nodePlatform()
let directory = ''
let warnings: string[] = []

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/millrace-files-`)
  warnings = []
})

afterEach(() => rm(directory, { recursive: true }))

function contextOf(isBounded: boolean): ConnectorContext {
  const { clock, random } = platform
  return {
    name: 'subject',
    clock,
    random,
    fs: nodeFs,
    directory: `${directory}/data`,
    owner: new SimOwners().take(),
    isBounded,
    start: { kind: 'first', checkpoint: undefined },
    signal: new AbortController().signal,
    warn: (message) => warnings.push(message),
    down: () => {},
    trying: () => {},
    up: () => {},
  }
}

/** Reads until the condition holds; only the test's time limit ends the wait otherwise. */
async function until(run: SourceRun<string>, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await run.discover()
    run.poll()
    await platform.scheduler.turn()
  }
}

describe('files of this machine', () => {
  test('EN-241 EN-242 a followed log survives rotation, truncation, and a file in the place of a removed one', async () => {
    const path = `${directory}/auth.log`
    await writeFile(path, '1\n2\n')
    const source = (): ReturnType<typeof files.readLines> =>
      files.readLines(path, { follow: true, pollEvery: '5ms', settledAfter: '20ms' })
    const first = new SourceRun(source(), contextOf(false))
    await until(first, () => first.values.length === 2)
    await appendFile(path, '3\n')
    await rename(path, `${path}.1`)
    await writeFile(path, '4\n')
    await until(first, () => first.values.length === 4)
    expect(first.values.toSorted()).toEqual(['1', '2', '3', '4'])
    await until(first, () => first.openSplits === 1)
    const marks = first.marks()
    await first.close()
    await rm(`${path}.1`)
    await rename(path, `${path}.1`)
    await writeFile(path, '5\n')
    const second = new SourceRun(source(), contextOf(false))
    await second.restore(marks)
    await until(second, () => second.values.length === 1)
    await truncate(path)
    await appendFile(path, '6\n7\n')
    await until(second, () => second.values.length === 3)
    expect(second.values).toEqual(['5', '6', '7'])
    await second.close()
  })

  test('bounded reading and writing, with gzip and CSV', async () => {
    const records = Array.from({ length: 3_000 }, (_, n) => ({ n, text: `grün "${n}"` }))
    const sinks = [
      { path: `${directory}/out/a.ndjson`, sink: files.writeNdjson<object>(`${directory}/out/a.ndjson`) },
      { path: `${directory}/out/a.csv`, sink: files.writeCsv<object>(`${directory}/out/a.csv`) },
    ]
    for (const { sink } of sinks) {
      const writer = await sink.open(0, [], contextOf(true))
      for (let at = 0; at < records.length; at += 1_000)
        await writer.write(batchOf(records.slice(at, at + 1_000)), noRejection)
      await writer.commit!((await writer.prepare(1))!)
      await writer.close()
    }
    expect(await readdir(`${directory}/out`)).toEqual(['a.csv', 'a.ndjson'])
    await mkdir(`${directory}/packed`)
    await writeFile(`${directory}/packed/a.ndjson.gz`, await promisify(gzip)(await readFile(sinks[0]!.path)))
    const parse = ({ n, text }: Readonly<Record<string, string>>): object => ({ n: Number(n), text })
    for (const source of [
      files.readNdjson(`${directory}/out/*.ndjson`),
      files.readNdjson(`${directory}/packed`),
      files.readCsv(`${directory}/out/a.csv`, { parse }),
    ]) {
      const run = new SourceRun<unknown>(source, contextOf(true))
      await run.discover()
      await run.readToEnd(777)
      expect(run.values).toEqual(records)
    }
    expect(warnings).toEqual([])
  })

  test('a file with several names is read once', async () => {
    await writeFile(`${directory}/a.log`, '1\n')
    await link(`${directory}/a.log`, `${directory}/b.log`)
    await symlink('a.log', `${directory}/c.log`)
    const run = new SourceRun(files.readLines(`${directory}/*.log`), contextOf(true))
    await run.discover()
    await run.readToEnd()
    expect(run.taken.map(({ value, place }) => [value, place])).toEqual([
      ['1', `${directory}/a.log line 1, byte 0`],
    ])
  })

  test('links that form a cycle are not followed endlessly', async () => {
    await mkdir(`${directory}/a/b`, { recursive: true })
    await writeFile(`${directory}/a/b/1.log`, '1\n')
    await symlink('..', `${directory}/a/b/up`)
    await symlink('.', `${directory}/a/here`)
    const run = new SourceRun(files.readLines(`${directory}/**/*.log`), contextOf(true))
    await run.discover()
    await run.readToEnd()
    expect(run.values).toEqual(['1'])
  })

  test('a link to itself, a broken link and a pipe are skipped with a warning', async () => {
    await writeFile(`${directory}/a.log`, '1\n')
    await symlink('circle.log', `${directory}/circle.log`)
    await symlink('nowhere', `${directory}/broken.log`)
    await symlink('nowhere', `${directory}/volume`)
    execFileSync('mkfifo', [`${directory}/pipe.log`])
    const run = new SourceRun(files.readLines(`${directory}/{*.log,*/*.log}`), contextOf(true))
    await run.discover()
    await run.readToEnd()
    expect(run.values).toEqual(['1'])
    expect(warnings.toSorted()).toEqual([
      `${directory}/broken.log: has vanished, or is a broken link; it is skipped`,
      `${directory}/circle.log: symbolic links form a loop; it is skipped`,
      `${directory}/pipe.log: is a pipe, a socket or a device; it is skipped`,
      `${directory}/volume: is a broken link; it is skipped`,
    ])
  })

  test.runIf(os === 'linux')('a file whose name is not UTF-8 is read', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.of(0xe9)]), '1\n2\n')
    const first = new SourceRun(files.readLines(`${directory}/*`, { follow: true }), contextOf(false))
    await until(first, () => first.values.length === 2)
    const marks = first.marks()
    await first.close()
    await appendFile(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.of(0xe9)]), '3\n')
    const second = new SourceRun(files.readLines(`${directory}/*`), contextOf(true))
    await second.restore(marks)
    await second.readToEnd()
    expect([...first.values, ...second.values]).toEqual(['1', '2', '3'])
    expect(warnings).toEqual([])
  })

  test('EN-217 EN-226 the output of an abandoned writer is recovered', async () => {
    const sink = files.writeNdjson<number>(`${directory}/out/n.ndjson`, { rollBytes: 1 })
    const writer = await sink.open(0, [], contextOf(false))
    await writer.write(batchOf([1, 2]), noRejection)
    const named = (await writer.prepare(1))!
    await writer.write(batchOf([3]), noRejection)
    await writer.prepare(2)
    const next = await sink.open(0, [named], contextOf(false))
    expect(await readdir(`${directory}/out`)).toEqual(['.n.ndjson.owner-simulated', 'n-000001.ndjson'])
    expect(await readFile(`${directory}/out/n-000001.ndjson`, 'utf8')).toBe('1\n2\n')
    await next.close()
  })
})

const logs = path.resolve(import.meta.dirname, '../../../../shared/data/loghub')
const hasLogs = existsSync(logs)

describe.runIf(hasLogs)(`logs of real systems${hasLogs ? '' : ` (skipped: there is no ${logs})`}`, () => {
  test.each(['Apache', 'HDFS', 'Linux', 'OpenSSH'])('%s', async (name) => {
    const log = `${logs}/${name}_2k.log`
    const run = new SourceRun(files.readLines(log), contextOf(true))
    await run.discover()
    await run.readToEnd()
    expect(run.failures).toEqual([])
    expect(run.values).toHaveLength(2_000)
    expect(run.values.join('\n')).toBe((await readFile(log, 'utf8')).replaceAll('\r\n', '\n').trimEnd())
  })
})
