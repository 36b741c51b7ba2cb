/**
 * Runs one query in a process of its own and prints what it cost, as JSON.
 *
 * `measure-query.ts QUERY binary|ndjson BINARY-FILE NDJSON-FILE`; the query `read` is reading and decoding alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { argv, cpuUsage, resourceUsage, stdout } from 'node:process'
import { pipeline, type Pipeline } from '@millrace/flow'
import { ChecksumSink } from './checksum-sink.ts'
import { queries } from './queries/all.ts'
import { pipelineOf, runToEnd, sourceOf, type Format } from './run-query.ts'

/** The cost of one run. CPU time is user and system time of all threads, from the start of the job to its end. */
export interface Cost {
  readonly cpuMs: number
  readonly wallMs: number
  readonly peakBytes: number
  readonly rows: number
  readonly checksum: string
  readonly checkpoints: number
  readonly longestCheckpointMs: number
}

const [, , name = '', format, binary = '', ndjson = ''] = argv
const query = queries[name] ?? { ...queries['q0']!, columns: [] }
const sink = new ChecksumSink(query)
const source = sourceOf({ binary, ndjson, sha256: '' }, format as Format)
const job: Pipeline =
  name === 'read'
    ? pipeline('read', (p) =>
        p
          .from('events', source)
          .filter(() => false)
          .to('none', sink as never),
      )
    : pipelineOf(query, source, (rows) => rows.to('rows', sink))

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-nexmark-data-'))
const before = cpuUsage()
const startedAt = performance.now()
const checkpoints: number[] = []
await runToEnd(job, { directory, onCheckpoint: ({ durationMs }) => checkpoints.push(durationMs) })
const { user, system } = cpuUsage(before)
const cost: Cost = {
  cpuMs: (user + system) / 1e3,
  wallMs: performance.now() - startedAt,
  peakBytes: resourceUsage().maxRSS * 1024,
  rows: sink.rows,
  checksum: sink.checksum,
  checkpoints: checkpoints.length,
  longestCheckpointMs: Math.max(0, ...checkpoints),
}
rmSync(directory, { recursive: true })
stdout.write(JSON.stringify(cost))
