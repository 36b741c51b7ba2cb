import { startJob, type TaskSample } from '@millrace/core/job'
import { pipeline, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, SimFs, simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { files } from '../src/index.ts'

interface Row {
  readonly n: number
  readonly text: string
}

const rows = Array.from({ length: 3_000 }, (_, n): Row => ({ n, text: 'ä'.repeat(n % 40) }))

/** The size of all files in a directory. */
async function sizeOf(fs: SimFs, directory: string): Promise<number> {
  const sizes = await Promise.all(
    (await fs.list(directory)).map(async ({ name }) => (await fs.stat(`${directory}/${name}`))!.size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Runs a job to its end; returns its disk, and the bytes of each part as they were counted when its last output was visible. */
async function ran(
  build: (p: PipelineBuilder) => void,
  parallelism: number,
): Promise<{ readonly fs: SimFs; readonly bytes: (part: string) => number }> {
  const fs = new SimFs()
  for (let at = 0; at < rows.length; at += 600) {
    const lines = rows.slice(at, at + 600).map((row) => `${JSON.stringify(row)}\n`)
    fs.put(`in/${at}.ndjson`, lines.join(''))
  }
  const platform = simPlatform({ seed: 1, fs })
  const { graph } = pipeline('copy', build).describe()
  let samples: readonly TaskSample[] = []
  const job = startJob({
    graph,
    platform,
    parallelism,
    store: memoryStore(),
    directory: 'data',
    isBounded: true,
    checkpoints: { everyMs: 1e9 },
  })
  using _ = job.observe(({ kind }) => {
    if (kind === 'checkpointCompleted') samples = job.samples()
  })
  expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'finished' })
  const bytes = (part: string): number => {
    const own = samples.filter(({ task }) => task === part)
    expect(own).toHaveLength(parallelism)
    return own.reduce((sum, each) => sum + each.bytes!, 0)
  }
  return { fs, bytes }
}

describe.each([1, 2])('bytes that a job with %i subtasks has counted', (parallelism) => {
  test('read: the sizes of all files that were read to their end', async () => {
    const { fs, bytes } = await ran((p) => {
      p.from('in', files.readNdjson<Row>('in/*.ndjson')).to('out', files.writeNdjson('out/all.ndjson'))
    }, parallelism)
    expect(bytes('in')).toBe(await sizeOf(fs, 'in'))
  })

  test.each([
    ['writeNdjson', files.writeNdjson<Row>('out/all.ndjson')],
    ['writeNdjson with rolling files', files.writeNdjson<Row>('out/all.ndjson', { rollBytes: 20_000 })],
    ['writeCsv, with its header', files.writeCsv<Row>('out/all.csv')],
  ])('written by %s: the sizes of the files', async (_, sink) => {
    const { fs, bytes } = await ran(
      (p) => p.from('in', files.readNdjson<Row>('in/*.ndjson')).to('out', sink),
      parallelism,
    )
    expect(await sizeOf(fs, 'out')).toBeGreaterThan(50_000)
    expect(bytes('out')).toBe(await sizeOf(fs, 'out'))
  })
})
