/**
 * A worker of the job whose moves are measured: `worker.ts ASSIGNMENT`, as JSON. It keeps the last text of each key in state on the
 * disk, and prints a line for each lease that begins to run or leaves.
 */
import process from 'node:process'
import { connectPort, startWorker, type WorkerEvent } from '@millrace/cluster-kafka'
import { kafka } from '@millrace/connector-kafka'
import { pipeline, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { diskStore } from '@millrace/store-disk'
import { leases, type Assignment, type Sample, type Update } from './assignment.ts'

const { brokers, input, output, job, directory, name, standbys } = JSON.parse(process.argv[2]!) as Assignment

const updates: Pipeline = pipeline(job, (p) => {
  p.from('updates', kafka.readJson<Update>({ brokers, topic: input }))
    .keyBy(({ key }) => key)
    .scan(
      'texts',
      () => ({ due: 0, partition: 0, text: '' }),
      (_, { due, partition, text }) => ({ due, partition, text }),
    )
    .map(({ key, value: { due, partition } }): Sample => ({ key, due, partition }))
    .to('samples', kafka.writeJson<Sample>({ brokers, topic: output, key: ({ key }) => key }))
})

const worker = startWorker({
  job: {
    platform: nodePlatform(),
    store: diskStore({ memoryBytes: 64 * 2 ** 20 }),
    directory,
    isBounded: false,
    checkpoints: { everyMs: 100 },
  },
  graphOf: () => updates.describe({}).graph,
  connect: connectPort({ brokers }),
  leases,
  name,
  standbys,
  observer: report,
})
process.once('SIGTERM', () => void worker.stop())

function report(event: WorkerEvent): void {
  if (event.kind === 'lease' && event.status.phase === 'running') print('running', event.lease)
  else if (event.kind === 'releasing') print('releasing', event.lease)
  else if (event.kind === 'warning') process.stderr.write(`${event.message}\n`)
}

function print(kind: 'running' | 'releasing', lease: number): void {
  process.stdout.write(`${JSON.stringify({ kind, lease })}\n`)
}

const result = await worker.ended
if (result.outcome === 'failed') throw result.error
