import { count, pipeline, sum, tumbling } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

const cards = ['4929', '4930', '5105']

/** The pipeline of docs/operating/control.md. */
export default pipeline(
  'fraud',
  (p) => {
    p.from(
      'payments',
      generator.generate({
        seed: 1,
        rate: 200,
        every: 1,
        make: ({ index, time }) => ({ card: cards[index % cards.length]!, amount: index % 100, at: time }),
      }),
    )
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ card }) => card)
      .window(tumbling('1m'))
      .aggregate('per-card', { n: count(), total: sum(({ amount }) => amount) })
      .to('alerts', files.writeNdjson('out/alerts.ndjson'))
  },
  { checkpointEvery: '100ms' },
)
