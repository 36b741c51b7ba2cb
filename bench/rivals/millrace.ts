/** The jobs in Millrace: exactly once, a checkpoint a second, one thread for each subtask. */
import path from 'node:path'
import { run } from 'millrace'
import bids from './bids-pipeline.ts'
import { takeTurns } from './turns.ts'

await takeTurns(async ({ job, parallelism, inputs, lines, work }) => {
  await run(bids, {
    bounded: true,
    parallelism,
    module: new URL('bids-pipeline.ts', import.meta.url),
    dataDir: path.join(work, 'data'),
    parameters: { job, in: inputs.join(','), out: path.join(lines, 'part') },
  })
})
