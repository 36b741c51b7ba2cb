/** A program for tests: a job that prints each line of standard input. SIGTERM stops it. */
import { startJob } from '@millrace/core/job'
import { pipeline, skip } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import * as stdio from '../src/stdio.ts'

const echo = pipeline('echo', (p) => {
  if (process.argv[2] === 'json')
    p.from('in', stdio.readNdjson(), { onError: skip() }).to('out', stdio.writeLines())
  else p.from('in', stdio.readLines(), { onError: skip() }).to('out', stdio.writeLines())
  if (process.argv[2] === 'twice') p.from('again', stdio.readLines()).to('out-again', stdio.writeLines())
})

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-echo-'))
const { graph } = echo.describe()
const restart = { kind: 'none' } as const
const job = startJob({ graph, platform: nodePlatform(), store: memoryStore(), directory, restart })
process.on('SIGTERM', () => void job.stop())
const result = await job.ended
rmSync(directory, { recursive: true })
process.stderr.write(`${result.outcome}${result.outcome === 'failed' ? `: ${String(result.error)}` : ''}\n`)
process.exitCode = result.outcome === 'failed' ? 1 : 0
