import { pipeline, tumbling, aggregator } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

/** Needs CPU in proportion to `rounds`. */
function work(rounds: number, from: number): number {
  let value = from
  for (let i = 0; i < rounds; i++) value = (value * 1_103_515_245 + 12_345) % 2_147_483_648
  return value
}

/** An aggregate that needs so much CPU for each record. */
function costly(rounds: number) {
  return aggregator({
    kind: `costly ${rounds}`,
    version: 1,
    create: () => 0,
    add: (sum: number, { index }: { readonly index: number }) => (sum + work(rounds, index)) % 1_000_003,
    merge: (a: number, b: number) => (a + b) % 1_000_003,
    result: (sum: number) => sum,
  })
}

/** Two windows of the same kind and two steps, of which one each is ten times as expensive as the other. */
export default pipeline(
  'costs',
  (p) => {
    const out = p.parameter('out', { required: 'string' })
    const numbers = p
      .from(
        'numbers',
        generator.generate({ seed: 1, rate: 20_000, every: 1, make: ({ index, time }) => ({ index, time }) }),
      )
      .withTimestamps({ timestamp: (each) => each.time })
      .filter(({ index }) => work(200, index) >= 0, { name: 'cheap-step' })
      .filter(({ index }) => work(2_000, index) >= 0, { name: 'costly-step' })
      .keyBy(({ index }) => index % 5)
    numbers
      .window(tumbling('1s'))
      .aggregate('cheap-window', { n: costly(200) })
      .to('a', files.writeNdjson(`${out}/a.ndjson`))
    numbers
      .window(tumbling('1s'))
      .aggregate('costly-window', { n: costly(2_000) })
      .to('b', files.writeNdjson(`${out}/b.ndjson`))
  },
  { checkpointEvery: '200ms' },
)
