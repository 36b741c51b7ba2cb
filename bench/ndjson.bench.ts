/**
 * What do five jobs from an NDJSON file to an NDJSON file cost, exactly once with a checkpoint a second, compared with loops
 * over the file that a programmer writes by hand and that guarantee nothing?
 *
 * Both write the same lines, which is checked. The figures are CPU time of the process, medians of interleaved runs.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { files } from '@millrace/connector-files'
import { pipeline } from '@millrace/flow'
import { bidJobs, type BidJobName } from './bid-jobs.ts'
import { runToEnd } from './engine-run.ts'
import { median, report, type Measurement } from './measure.ts'
import { byHand } from './ndjson-by-hand.ts'
import { bidLine, type Bid } from './ndjson-bids.ts'

const bids = Number(process.env['BIDS'] ?? 200_000)
const turns = Number(process.env['TURNS'] ?? 5)
const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-ndjson-'))

async function cpuOf(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1e3) / bids
}

/** A fingerprint of the lines of a file in any order. */
function fingerprint(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n').toSorted()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

let runs = 0

async function measureJob(job: BidJobName): Promise<Measurement> {
  const { title, keys, build } = bidJobs[job]
  const input = path.join(directory, `in-${keys}.ndjson`)
  writeFileSync(input, Array.from({ length: bids }, (_, n) => bidLine(n, keys)).join(''))
  const costs: { readonly hand: number[]; readonly millrace: number[] } = { hand: [], millrace: [] }
  for (let turn = 0; turn <= turns; turn++) {
    const [slow, fast] = [path.join(directory, `hand-${runs}`), path.join(directory, `millrace-${runs++}`)]
    const handCpu = await cpuOf(() => byHand(job, input, slow))
    const millraceCpu = await cpuOf(async () => {
      await runToEnd(
        pipeline('bench', (p) => build(p.from('in', files.readNdjson<Bid>(input)), fast)),
        1000,
      )
    })
    if (turn === 0) {
      if (fingerprint(slow) !== fingerprint(fast)) throw new Error(`${title}: the results differ`)
      continue
    }
    costs.hand.push(handCpu)
    costs.millrace.push(millraceCpu)
  }
  const [by, ours] = [median(costs.hand), median(costs.millrace)]
  return {
    name: title,
    nanoseconds: ours,
    runs: turns,
    rivals: { 'a loop by hand': by },
    bar: { rival: 'a loop by hand', times: 1 },
  }
}

const only = process.env['ONLY']
const measurements: Measurement[] = []
for (const job of Object.keys(bidJobs) as BidJobName[]) {
  if (only === undefined || job === only) measurements.push(await measureJob(job))
}
report(measurements)
rmSync(directory, { recursive: true })
