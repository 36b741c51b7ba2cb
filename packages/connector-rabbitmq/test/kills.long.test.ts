import { describe, expect, test } from 'vitest'
import {
  expectedCounts,
  killTenTimes,
  numberedTexts,
  recordsOfTrial,
  type CountedNumber,
  type KillTrial,
} from '../../../lab/servers/kill-ten-times.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, textsIn, countIn, use } = server

function trialOf(what: 'queue' | 'stream', input: string, output: string): KillTrial {
  const ids = (text: string): string => String((JSON.parse(text) as { n: number }).n)
  return {
    program: new URL('program.ts', import.meta.url),
    args: [what, url, input, output],
    feed: (from, end) => store(input, numberedTexts(from, end), { ids }),
    written: () => countIn(output),
    seen: async () => (await newestIn(output)).size,
    restart: server.restart,
  }
}

/**
 * The newest count of each number: a result may be there twice, but always with the same count, if it is of a checkpoint that
 * counts.
 */
async function newestIn(queue: string): Promise<ReadonlyMap<number, number>> {
  const results = (await textsIn(queue)).map((text) => JSON.parse(text) as CountedNumber)
  return new Map(results.map(({ value }) => [value.n, value.count]))
}

describe.skipIf(server.missing !== undefined)(
  'a process that is killed ten times, beside a broker that is killed at one third and one half',
  () => {
    test('counts each message of a queue once', async () => {
      const [input, output] = [await freshQueue({ 'x-queue-type': 'quorum' }), await freshQueue()]
      await killTenTimes({
        ...trialOf('queue', input, output),
        // Messages that were delivered to a killed process are ready again once the broker has noticed its end.
        noticed: async () => {
          const consumers = (): Promise<number> =>
            use(async (channel) => (await channel.checkQueue(input)).consumerCount)
          await expect.poll(consumers, { timeout: 60_000 }).toBe(0)
          expect(await countIn(input)).toBeGreaterThan(0)
        },
      })
      const newest = await newestIn(output)
      expect(newest.size).toBe(recordsOfTrial)
      for (let key = 0; key < 11; key++) {
        const counts = [...newest].filter(([n]) => n % 11 === key).map(([, count]) => count)
        expect(counts.toSorted((a, b) => a - b)).toEqual(counts.map((_, at) => at + 1))
      }
    })

    test('counts each message of a stream once, in its order', async () => {
      const [input, output] = [await freshQueue({ 'x-queue-type': 'stream' }), await freshQueue()]
      await killTenTimes(trialOf('stream', input, output))
      const newest = await newestIn(output)
      expect([...newest].toSorted(([a], [b]) => a - b)).toEqual(
        expectedCounts().map(({ value: { n, count } }) => [n, count]),
      )
    })
  },
)
