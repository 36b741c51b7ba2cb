import { pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

const keys = 20_000

/** Two records for each of many keys, in another order the second time, and how many of its key came before each. */
export default pipeline(
  'many-keys',
  (p) => {
    const out = p.parameter('out', { required: 'string' })
    const rate = p.parameter('rate', Infinity)
    p.from(
      'numbers',
      generator.generate({
        seed: 1,
        rate,
        every: 1,
        count: 2 * keys,
        make: ({ index }) => ({ key: `key ${index < keys ? index : (index * 7919) % keys}` }),
      }),
    )
      .keyBy((each) => each.key)
      .scan(
        'counts',
        () => 0,
        (count) => count + 1,
      )
      .to('file', files.writeNdjson(`${out}/counts.ndjson`))
  },
  { checkpointEvery: '100ms', state: 'disk' },
)
