import { count, pipeline, sum, tumbling } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

/** Sums of generated numbers, in a file in the directory `out`. */
export default pipeline(
  'numbers',
  (p) => {
    const out = p.parameter('out', { required: 'string' })
    const rate = p.parameter('rate', Infinity)
    const total = p.parameter('count', 2_000)
    p.from(
      'numbers',
      generator.generate({
        seed: 1,
        rate,
        every: 1,
        count: total,
        make: ({ index, time }) => ({ index, time }),
      }),
    )
      .withTimestamps({ timestamp: (each) => each.time })
      .keyBy((each) => each.index % 5)
      .window(tumbling('100ms'))
      .aggregate('sums', { n: count(), sum: sum((each) => each.index) })
      .to('file', files.writeNdjson(`${out}/sums.ndjson`))
  },
  { checkpointEvery: '100ms' },
)
