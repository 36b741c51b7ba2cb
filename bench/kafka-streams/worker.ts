/**
 * One process of a job in Millrace: `worker.ts ASSIGNMENT`, as JSON. It prints how many results it has made and the CPU time it has
 * taken, until it is terminated.
 */
import { connectPort, startWorker } from '@millrace/cluster-kafka'
import { kafka } from '@millrace/connector-kafka'
import { join, pipeline, type Pipeline, type SourceStream, type TimedStream } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { partitions, type Assignment, type Progress, type Result, type Sale } from './sales.ts'

const assignment = JSON.parse(process.argv[2]!) as Assignment
const { brokers, job, application, output, directory } = assignment
let results = 0

const sales: Pipeline = pipeline(application, (p) => {
  const read = (name: 'sales' | 'payments'): TimedStream<Sale> =>
    p
      .from(name, kafka.readJson<Sale>({ brokers, topic: assignment[name] }))
      .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '1s' })
  const rows: SourceStream<Result> | TimedStream<Result> =
    job === 'count'
      ? read('sales')
          .keyBy(({ customer }) => customer)
          .scan(
            'counts',
            () => ({ count: 0, due: 0 }),
            ({ count }, { due }) => ({ count: count + 1, due }),
          )
          .map(({ key, value: { count, due } }) => ({ key, count, due }))
      : join(
          read('sales').keyBy(({ id }) => id),
          read('payments').keyBy(({ id }) => id),
        )
          .between('-10s', '10s')
          .inner('paid', ({ id }, { due }) => ({ key: id, count: 1, due }))
  rows
    .map((row) => {
      results++
      return row
    })
    .to('results', kafka.writeJson<Result>({ brokers, topic: output, key: ({ key }) => key }))
})

const worker = startWorker({
  job: {
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded: false,
    checkpoints: { everyMs: 100 },
  },
  graphOf: () => sales.describe({}).graph,
  connect: connectPort({ brokers }),
  leases: partitions,
})
process.once('SIGTERM', () => void worker.stop())
const printing = setInterval(() => {
  const { user, system } = process.cpuUsage()
  const progress: Progress = { results, cpuMs: (user + system) / 1e3 }
  process.stdout.write(`${JSON.stringify(progress)}\n`)
}, 100)
const result = await worker.ended
clearInterval(printing)
if (result.outcome === 'failed') throw result.error
