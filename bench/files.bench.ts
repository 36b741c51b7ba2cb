/**
 * How fast is NDJSON file to NDJSON file, end to end and exactly once, compared with `readline` and `JSON` by
 * hand?
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { files } from '@millrace/connector-files'
import { pipeline } from '@millrace/flow'
import { runToEnd } from './engine-run.ts'
import { median, report } from './measure.ts'

interface Line {
  readonly id: number
  readonly key: string
  readonly at: number
  readonly amount: number
  readonly note: string
}

const total = 500_000
const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-files-'))
const input = path.join(directory, 'in.ndjson')
const lines: string[] = []
for (let id = 0; id < total; id++) {
  lines.push(
    JSON.stringify({
      id,
      key: `key-${id % 1_000}`,
      at: id,
      amount: id % 97,
      note: 'a line of about a hundred bytes',
    }),
  )
}
writeFileSync(input, `${lines.join('\n')}\n`)
const megabytes = statSync(input).size / 1e6

async function byHand(): Promise<void> {
  const output = createWriteStream(path.join(directory, 'hand.ndjson'))
  for await (const text of createInterface({ input: createReadStream(input) })) {
    const line = JSON.parse(text) as Line
    if (!output.write(`${JSON.stringify({ ...line, amount: line.amount * 2 })}\n`))
      await once(output, 'drain')
  }
  output.end()
  await once(output, 'finish')
}

let runs = 0
async function byMillrace(): Promise<void> {
  const out = path.join(directory, `millrace-${runs++}.ndjson`)
  await runToEnd(
    pipeline('bench', (p) => {
      p.from('in', files.readNdjson<Line>(input))
        .map((line) => ({ ...line, amount: line.amount * 2 }))
        .to('out', files.writeNdjson(out))
    }),
    1_000,
  )
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

try {
  const hand: number[] = []
  const millrace: number[] = []
  for (let turn = 0; turn < 6; turn++) {
    const [slow, fast] = [await timed(byHand), await timed(byMillrace)]
    if (turn === 0) continue
    hand.push(slow)
    millrace.push(fast)
  }
  report(
    [
      ['readline and JSON by hand, no guarantee', hand] as const,
      ['millrace, exactly once, a checkpoint a second', millrace] as const,
    ].map(([name, samples]) => {
      const ms = median(samples)
      const note = `${Math.round(total / ms)} thousand records/s, ${((megabytes / ms) * 1e3).toFixed(0)} MB/s in`
      return { name, nanoseconds: Math.round((ms * 1e6) / total), runs: samples.length, note }
    }),
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
