/**
 * What does it cost to read a line, a JSON line and a CSV row from a file, and to write a JSON line exactly
 * once?
 */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { files } from '@millrace/connector-files'
import type { Json } from '@millrace/core'
import type { ConnectorContext, Sink, Source } from '@millrace/core/connector'
import { nodePlatform } from '@millrace/node'
import { measureInTurns } from './measure.ts'

const operations = 300_000
const batchRecords = 1024
const directory = await mkdtemp(`${tmpdir()}/millrace-bench-`)
const { clock, random, fs } = nodePlatform()
const context: ConnectorContext = {
  name: 'bench',
  clock,
  random,
  fs,
  directory: `${directory}/data`,
  owner: { job: 'bench', epoch: 1, confirm: async () => {} },
  isBounded: true,
  start: { kind: 'first', checkpoint: undefined },
  signal: new AbortController().signal,
  warn: (message) => console.error(message),
  down: () => {},
  trying: () => {},
  up: () => {},
}

interface Payment {
  readonly card: string
  readonly amount: number
  readonly at: number
  readonly merchant: string
  readonly country: string
  readonly isOnline: boolean
}

const payments = Array.from({ length: operations }, (_, n): Payment => ({
  card: `c${n % 9_999}`,
  amount: n * 0.37,
  at: 1_700_000_000_000 + n,
  merchant: `merchant-${n % 500}`,
  country: 'NL',
  isOnline: true,
}))
const lines = payments.map(
  ({ card, at }, n) =>
    `Dec 10 06:55:${10 + (n % 50)} LabSZ sshd[${20_000 + (n % 5_000)}]: Failed password for invalid user ${card} from ` +
    `173.234.${n % 255}.160 port ${at % 65_536}`,
)

async function file(name: string, rows: readonly string[]): Promise<string> {
  const path = `${directory}/${name}`
  await writeFile(path, `${rows.join('\n')}\n`)
  return path
}

const logPath = await file('lines.log', lines)
const jsonPath = await file(
  'payments.ndjson',
  payments.map((payment) => JSON.stringify(payment)),
)
const csvPath = await file('payments.csv', [
  Object.keys(payments[0]!).join(','),
  ...payments.map((payment) => Object.values(payment).join(',')),
])

async function read<T, P extends Json>(source: Source<T, P>): Promise<void> {
  let count = 0
  for (const split of (await source.discover(context)).splits) {
    const reader = await source.open(split, undefined, context)
    for (let poll = reader.poll(batchRecords); poll.kind !== 'end'; poll = reader.poll(batchRecords)) {
      if (poll.kind === 'records') count += poll.values.length
      else await reader.ready()
    }
    await reader.close()
  }
  if (count !== operations) throw new Error(`read ${count} of ${operations} records`)
}

async function write<T, C extends Json>(sink: Sink<T, C>, records: readonly T[]): Promise<void> {
  const writer = await sink.open(0, [], context)
  for (let at = 0, checkpoint = 1; at < records.length; at += batchRecords, checkpoint++) {
    const values = records.slice(at, at + batchRecords)
    const times = new Float64Array(values.length)
    const batch = {
      length: values.length,
      values,
      times,
      watermarks: times,
      origin: undefined,
      originIndex: undefined,
    }
    await writer.write(batch, (_, error) => {
      throw error
    })
    // As often as a checkpoint every 100 ms at 300,000 records a second.
    if (checkpoint % 30 !== 0) continue
    await writer.commit?.((await writer.prepare(checkpoint))!)
  }
  await writer.close()
}

async function readline(): Promise<void> {
  let count = 0
  for await (const line of createInterface({ input: createReadStream(logPath) })) if (line !== '') count++
  if (count !== operations) throw new Error(`read ${count} of ${operations} lines`)
}

await measureInTurns([
  { name: 'readLines, lines of 103 bytes', operations, run: () => read(files.readLines(logPath)) },
  { name: "the same lines with Node's readline", operations, run: readline },
  {
    name: 'readNdjson, objects of 106 bytes',
    operations,
    run: () => read(files.readNdjson<Payment>(jsonPath)),
  },
  { name: 'readCsv, rows of 6 fields', operations, run: () => read(files.readCsv(csvPath)) },
  {
    name: 'writeNdjson with checkpoints, objects of 106 bytes',
    operations,
    run: () =>
      write(files.writeNdjson<Payment>(`${directory}/out.ndjson`, { ifExists: 'replace' }), payments),
  },
])
await rm(directory, { recursive: true })
