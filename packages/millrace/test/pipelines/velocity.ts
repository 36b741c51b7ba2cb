import { count, output, pipeline, state, sum, tumbling } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

/** The pipeline of docs/operating/checkpoints.md. */
export default pipeline(
  'fraud',
  (p) => {
    const payments = p
      .from(
        'payments',
        generator.generate({
          seed: 1,
          rate: 1_000,
          every: 100,
          make: ({ index, time }) => ({ card: `c${index % 50}`, amount: index % 100, at: time }),
        }),
      )
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ card }) => card)
    payments
      .window(tumbling('1m'))
      .aggregate('per-minute', { n: count(), total: sum(({ amount }) => amount) })
      .to('minutes', files.writeNdjson('out/minutes.ndjson'))
    payments
      .process('velocity', {
        output: output<{ readonly card: string; readonly n: number }>(),
        state: { recent: state.value<number>() },
        onRecord({ value }, { emit, state: { recent } }) {
          const n = (recent.get() ?? 0) + 1
          recent.set(n)
          if (n % 100 === 0) emit({ card: value.card, n })
        },
      })
      .to('fast', files.writeNdjson('out/fast.ndjson'))
  },
  { checkpointEvery: '100ms' },
)
