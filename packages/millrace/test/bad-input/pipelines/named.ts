import { count, pipeline, sum, tumbling, type Pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

/** The pipeline `numbers` in a later version, with a renamed window. */
const program: Pipeline = pipeline(
  'numbers',
  (p) => {
    const out = p.parameter('out', { required: 'string' })
    const name = p.parameter('name', 'totals')
    p.from(
      'numbers',
      generator.generate({ seed: 1, every: 1, count: 2_000, make: ({ index, time }) => ({ index, time }) }),
    )
      .withTimestamps({ timestamp: (each) => each.time })
      .keyBy((each) => each.index % 5)
      .window(tumbling('100ms'))
      .aggregate(name, { n: count(), sum: sum((each) => each.index) })
      .to('file', files.writeNdjson(`${out}/sums.ndjson`))
  },
  { checkpointEvery: '100ms' },
)

export default program
