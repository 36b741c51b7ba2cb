/** A worker of a job over Kafka, in a process of its own: killed, paused and stopped by the tests. */
import { startWorker, connectPort, type WorkerEvent } from '@millrace/cluster-kafka'
import { kafka } from '@millrace/connector-kafka'
import { count, join, output, pipeline, state, sum, tumbling, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'

interface Sale {
  readonly n: number
  readonly k: string
  readonly at: number
}

interface Setup {
  readonly brokers: string
  readonly job: string
  readonly input: string
  readonly refunds: string
  readonly output: string
  readonly directory: string
  readonly leases: number
  readonly name?: string
  readonly standbys?: number
  readonly isBounded?: boolean
  readonly everyMs?: number
}

const setup = JSON.parse(process.argv[2]!) as Setup
const { brokers } = setup

/**
 * Sums by key and window, a running count of each key, what each key had when a timer of event time fired, and pairs of a sale and
 * a refund of the same key soon after it: results that depend on every record exactly once.
 */
const sales: Pipeline = pipeline(setup.job, (p) => {
  const to = kafka.writeJson<{ readonly key: string }>({
    brokers,
    topic: setup.output,
    key: ({ key }) => key,
  })
  const keyed = p
    .from('in', kafka.readJson<Sale>({ brokers, topic: setup.input }))
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 0 })
    .keyBy(({ k }) => k)
  const refunds = p
    .from('refunds', kafka.readJson<Sale>({ brokers, topic: setup.refunds }))
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 0 })
    .keyBy(({ k }) => k)
  join(keyed, refunds)
    .between('0s', '8s')
    .inner('refunded', (sale, refund) => ({ key: refund.k, sale: sale.n, refund: refund.n }))
    .map((pair) => ({ what: 'pair', ...pair }))
    .to('out-pairs', to)
  keyed
    .window(tumbling('10s'))
    .aggregate('windows', { count: count(), sum: sum(({ n }) => n) })
    .map(({ key, window, ...total }) => ({ what: 'window', key, start: window.start, ...total }))
    .to('out', to)
  keyed
    .scan(
      'running',
      () => 0,
      (before) => before + 1,
    )
    .map(({ key, value }) => ({ what: 'running', key, count: value }))
    .to('out-running', to)
  keyed
    .process('minutes', {
      state: { seen: state.value<number>() },
      output: output<{ readonly key: string; readonly minute: number; readonly count: number }>(),
      onRecord: ({ time }, { state: { seen }, timers }) => {
        seen.set((seen.get() ?? 0) + 1)
        timers.setEvent(Math.ceil((time + 1) / 60_000) * 60_000)
      },
      onTimer: ({ key, time }, { state: { seen }, emit }) =>
        emit({ key, minute: time, count: seen.get() ?? 0 }),
    })
    .map((row) => ({ what: 'minute', ...row }))
    .to('out-minutes', to)
})

const platform = nodePlatform()
const worker = startWorker({
  job: {
    platform,
    store: memoryStore(),
    directory: setup.directory,
    isBounded: setup.isBounded === true,
    checkpoints: { everyMs: setup.everyMs ?? 100 },
  },
  graphOf: () => sales.describe({}).graph,
  connect: connectPort({ brokers }),
  leases: setup.leases,
  sessionMs: 6_000,
  ...(setup.name !== undefined && { name: setup.name }),
  ...(setup.standbys !== undefined && { standbys: setup.standbys }),
  observer: (event) => report(event),
})
process.once('SIGTERM', () => void worker.stop())

function report(event: WorkerEvent): void {
  if (event.kind === 'job' && event.event.kind === 'checkpointCompleted') return
  process.stdout.write(`${JSON.stringify(event, plain)}\n`)
}

function plain(_: string, value: unknown): unknown {
  return value instanceof Error
    ? String(value)
    : typeof value === 'object' && value !== null && 'options' in value
      ? undefined
      : value
}

const result = await worker.ended
if (result.outcome === 'failed') process.stderr.write(`${String(result.error)}\n`)
process.exit(result.outcome === 'failed' ? 1 : 0)
