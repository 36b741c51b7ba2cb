import process from 'node:process'
import { files } from '@millrace/connector-files'
import { count, output, pipeline, state, sum, tumbling } from 'millrace'

interface Reading {
  readonly key: string
  readonly n: number
  readonly at: number
}

/** Windows and running totals of keys in files; `fault` is what happens at one record. */
export default pipeline(
  'threads',
  (p) => {
    const directory = p.parameter('directory', { required: 'string' })
    const fault = p.parameter('fault', 'none')
    const readings = p
      .from('readings', files.readNdjson<Reading>(`${directory}/in/*.ndjson`))
      .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '10s' })
      .keyBy(({ key }) => key)
    readings
      .window(tumbling('1s'))
      .aggregate('windows', { n: count(), total: sum(({ n }) => n) })
      .to('windows-out', files.writeNdjson(`${directory}/out/windows.ndjson`))
    readings
      .process('totals', {
        output: output<{ key: string; total: number; at: number }>(),
        state: { total: state.value<number>() },
        onRecord({ value: { key, n, at } }, { state: { total }, emit }) {
          if (at === 500) strike(fault)
          total.set((total.get() ?? 0) + n)
          if (at % 100 === 0) emit({ key, total: total.get()!, at })
        },
      })
      .to('totals-out', files.writeNdjson(`${directory}/out/totals.ndjson`))
  },
  { checkpointEvery: '20ms' },
)

const kept: unknown[] = []

function strike(fault: string): void {
  if (fault === 'throw') throw new Error('struck')
  if (fault === 'exit') process.exit(3)
  if (fault === 'hang') for (;;);
  if (fault === 'memory') for (;;) kept.push(Array.from({ length: 1_000 }, (_, i) => ({ i })))
}
