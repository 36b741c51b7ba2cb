import { memory } from '@millrace/connector-memory'
import { pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { dataDirectory, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { readWithJava } from '../../../scripts/services/kafka-console.ts'
import { kafka } from '../src/index.ts'
import { numbered, type Numbered } from './job-parts.ts'
import { realBroker } from './real-broker.ts'

const cluster = await realBroker('kafkaCluster')
const { brokers } = cluster
const isOurs = cluster.missing === undefined && cluster.server.members.length > 1
const timeout = 120_000
const each = 2_000

interface Counted {
  readonly key: string
  readonly value: { readonly count: number; readonly n: number }
}

test.skipIf(!isOurs)(
  'the brokers that lead partitions of a job are killed one after the other, and its transactions have each record once',
  async () => {
    const [input, output] = [await cluster.freshTopic(3), await cluster.freshTopic(3)]
    const counting = pipeline('count', (p) => {
      p.from('in', kafka.readJson<Numbered>({ brokers, topic: input }))
        .keyBy(({ k }) => k)
        .scan(
          'count',
          () => ({ count: 0, n: -1 }),
          ({ count }, { n }) => ({ count: count + 1, n }),
        )
        .to('out', kafka.writeJson({ brokers, topic: output, key: ({ key }) => key }))
    })
    const committed = memory.write<Counted>()
    const reading = pipeline('committed', (p) => {
      p.from('in', kafka.readJson<Counted>({ brokers, topic: output })).to('out', committed)
    })
    startOn(reading, await dataDirectory())
    const job = startOn(counting, await dataDirectory())
    const reaches = (count: number): Promise<void> =>
      expect.poll(() => committed.values.length, { timeout, interval: 2 }).toBeGreaterThanOrEqual(count)
    for (const [round, topic] of [output, input].entries()) {
      const fed = cluster.produce(input, numbered(round * each, (round + 1) * each))
      await reaches(round * each + 1)
      const leader = await cluster.leader(topic, 0)
      await leader.kill()
      await fed
      await reaches((round + 1) * each)
      await leader.start()
    }
    await job.stop()
    const count = 2 * each
    const results = (await readWithJava(brokers, output, count + 100)).map(
      ({ value }) => JSON.parse(value) as Counted,
    )
    expect(results.map(({ value }) => value.n).toSorted((a, b) => a - b)).toEqual(upTo(count))
    for (const key of new Set(results.map((result) => result.key))) {
      const counts = results.filter((result) => result.key === key).map(({ value }) => value.count)
      expect(counts).toEqual(upTo(counts.length + 1, 1))
    }
  },
)
