import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@millrace/channels'
import { beforeAll, describe, expect, test } from 'vitest'
import { Command, scratch } from '../../packages/millrace/test/command.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const sample = { file: `${here}sample.log`, year: 2026 }
const real = {
  file: fileURLToPath(new URL('../../../shared/data/loghub/OpenSSH_2k.log', import.meta.url)),
  year: 2016,
}
const hasReal = existsSync(real.file)
if (!hasReal)
  console.log(`the real log is not here (${real.file}): one test is left out, others use the sample`)

/** The longest available log. */
const log = hasReal ? real : sample
const size = 600
const slide = 60

interface WindowRow {
  readonly key: string
  readonly window: { readonly start: number; readonly end: number }
  readonly failures: number
}

/** Starts the example in a new directory. */
function guard(directory: string, year: number, ...options: readonly string[]): Command {
  const base = ['run', `${here}ssh-guard.ts`, '--data-dir', `${directory}/data`]
  const set = { year, out: `${directory}/out`, size: `${size}s`, slide: `${slide}s` }
  const parameters = Object.entries(set).flatMap(([name, value]) => ['--parameter', `${name}=${value}`])
  return new Command([...base, ...parameters, ...options])
}

async function rows(directory: string, file: string): Promise<readonly WindowRow[]> {
  const text = await readFile(`${directory}/out/${file}`, 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as WindowRow)
}

/** The results of the job, in the format of the two scripts. */
async function found(directory: string): Promise<{ readonly counts: string; readonly windows: string }> {
  const totals = new Map<string, number>()
  for (const { key, failures } of await rows(directory, 'days.ndjson')) {
    totals.set(key, (totals.get(key) ?? 0) + failures)
  }
  const windows = (await rows(directory, 'counts.ndjson')).map(
    ({ key, window, failures }) => `${key} ${window.start / 1_000} ${window.end / 1_000} ${failures}`,
  )
  return {
    counts: text([...totals].map(([address, count]) => `${address} ${count}`)),
    windows: text(windows),
  }
}

function text(lines: readonly string[]): string {
  return lines
    .toSorted()
    .map((line) => `${line}\n`)
    .join('')
}

/** The results of the scripts. */
function counted(from: { readonly file: string; readonly year: number }): ReturnType<typeof found> {
  const run = (script: string, ...args: readonly unknown[]): string =>
    execFileSync('sh', [`${here}${script}`, ...args.map(String)], { encoding: 'utf8' })
  return Promise.resolve({
    counts: run('counts.sh', from.file),
    windows: run('windows.sh', from.year, size, slide, from.file),
  })
}

async function linesOf(file: string): Promise<readonly string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
}

describe('the SSH guard', () => {
  test('reports each burst once, break-ins, and the user names that were tried', async () => {
    const directory = await scratch()
    const { code, out } = await guard(
      directory,
      sample.year,
      '--bounded',
      '--parameter',
      `log=${sample.file}`,
    ).ended
    expect(code).toBe(0)
    expect(out).toBe(`2026-01-31 23:41:31  203.0.113.5 is guessing passwords: 6 failures, the last for "root"
2026-01-31 23:53:58  203.0.113.5 is guessing passwords: 5 failures, the last for "root"
2026-02-01 00:00:00  198.51.100.7 is guessing passwords: 5 failures, the last for "bob"
2026-02-01 00:00:09  198.51.100.7 got in as "bob" after 6 failures
`)
    for (const name of ['alerts', 'days']) {
      const expected = await readFile(`${here}expect.${name}.ndjson`, 'utf8')
      expect(await readFile(`${directory}/out/${name}.ndjson`, 'utf8')).toBe(expected)
    }
  })

  test('reads standard input', async () => {
    const directory = await scratch()
    const job = guard(directory, sample.year, '--parameter', 'log=-')
    job.write(await readFile(sample.file, 'utf8'))
    expect((await job.ended).code).toBe(0)
    expect(await found(directory)).toEqual(await counted(sample))
  })

  test('without any input it prints what to do', async () => {
    const { code, err } = await guard(await scratch(), sample.year).ended
    expect(err).toMatch(/^OPTION_INVALID: nothing to read; set --parameter log=FILE/)
    expect(code).toBe(2)
  })
})

describe('the counts for every address equal those of the scripts', () => {
  let expected: Awaited<ReturnType<typeof found>>
  beforeAll(async () => {
    expected = await counted(log)
    expect(expected.counts).toMatch(/^\S+ \d+\n/)
  })

  async function compareAsFile(from: typeof sample): Promise<void> {
    const directory = await scratch()
    const { code } = await guard(directory, from.year, '--bounded', '--parameter', `log=${from.file}`).ended
    expect(code).toBe(0)
    expect(await found(directory)).toEqual(await counted(from))
  }

  test('when the sample is read as a file', () => compareAsFile(sample))
  test.skipIf(!hasReal)('when the real log is read as a file', () => compareAsFile(real))

  test('when its lines are distributed over seven files, out of order within the allowed bound', async () => {
    const directory = await scratch()
    const random = seededRandom(7)
    const start = (line: string): number => Date.parse(`${log.year} ${line.slice(0, 15)} UTC`)
    const lines = (await linesOf(log.file))
      .map((line) => ({ line, at: start(line) + random.next() * 9_900 }))
      .toSorted((a, b) => a.at - b.at)
    await mkdir(`${directory}/logs`)
    for (const { line } of lines) await appendFile(`${directory}/logs/${random.int(7)}.log`, `${line}\n`)
    const options = [
      '--bounded',
      '--parameter',
      `log=${directory}/logs`,
      '--parameter',
      'maxOutOfOrderness=10s',
    ]
    expect((await guard(directory, log.year, ...options).ended).code).toBe(0)
    expect(await found(directory)).toEqual(expected)
    await expect(readFile(`${directory}/out/late.ndjson`, 'utf8').catch(() => '')).resolves.toBe('')
  })

  test('when the file grows line by line while it is followed', async () => {
    const directory = await scratch()
    const lines = await linesOf(log.file)
    const followed = `${directory}/auth.log`
    await writeFile(followed, '')
    const live = ['--drain', '--json', '--checkpoint-every', '200ms']
    const job = guard(
      directory,
      log.year,
      ...live,
      '--parameter',
      `log=${followed}`,
      '--parameter',
      'follow=true',
    )
    await job.says(/"started"/)
    for (const line of lines) await appendFile(followed, `${line}\n`)
    await job.says(new RegExp(`"recordsIn":${lines.length}\\b`))
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)
    expect(await found(directory)).toEqual(expected)
  })

  test('when the lines are posted one by one over HTTP', async () => {
    const directory = await scratch()
    const lines = await linesOf(log.file)
    const port = await freePort()
    const live = ['--drain', '--json', '--checkpoint-every', '200ms']
    const job = guard(directory, log.year, ...live, '--parameter', `http=${port}`)
    await listening(port, job)
    for (const line of lines) {
      const body = JSON.stringify(line)
      const headers = { 'Content-Type': 'application/json' }
      const response = await fetch(`http://127.0.0.1:${port}/lines`, { method: 'POST', headers, body })
      expect(response.status).toBe(200)
      await response.arrayBuffer()
    }
    await job.says(new RegExp(`"recordsIn":${lines.length}\\b`))
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)
    expect(await found(directory)).toEqual(expected)
  })
})

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Resolves once the job accepts requests; rejects if it ends instead. */
async function listening(port: number, job: Command): Promise<void> {
  let hasEnded = false
  void job.ended.then(() => (hasEnded = true))
  while (!(await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok) {
    if (hasEnded) throw new Error(`the job has ended: ${(await job.ended).err}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
