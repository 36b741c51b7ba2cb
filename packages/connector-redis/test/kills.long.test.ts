import { describe, expect, test } from 'vitest'
import {
  expectedCounts,
  killsOfTrial,
  killTenTimes,
  numberedTexts,
  recordsOfTrial,
  type CountedNumber,
  type KillTrial,
} from '../../../lab/servers/kill-ten-times.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server

/** Reads a stream by itself, or as one of a consumer group, and writes to another stream. */
function trialOf(what: 'stream' | 'group', input: string, output: string): KillTrial {
  return {
    program: new URL('program.ts', import.meta.url),
    args: [what, url, input, output],
    feed: (from, end) => {
      const pipelined = client.pipeline()
      for (const text of numberedTexts(from, end)) pipelined.xadd(input, '*', 'data', text)
      return pipelined.exec()
    },
    written: () => client.xlen(output),
    seen: async () => new Set((await resultsIn(output)).map(({ value }) => value.n)).size,
    restart: server.restart,
  }
}

async function resultsIn(stream: string): Promise<CountedNumber[]> {
  return (await client.xrange(stream, '-', '+')).map(([, [, text]]) => JSON.parse(text!) as CountedNumber)
}

describe.skipIf(server.missing !== undefined)(
  'a process that is killed ten times, beside a server that is killed at one third and one half',
  () => {
    test('writes each result of a stream once', async () => {
      const [input, output] = [freshKey(), freshKey()]
      await killTenTimes(trialOf('stream', input, output))
      expect(await resultsIn(output)).toEqual(expectedCounts())
    })

    test('loses no entry of a consumer group, and counts an entry at most once more for each kill', async () => {
      const [input, output] = [freshKey(), freshKey()]
      await killTenTimes(trialOf('group', input, output))
      const times = new Map<number, number>()
      for (const { value } of await resultsIn(output)) times.set(value.n, (times.get(value.n) ?? 0) + 1)
      expect([...times.keys()].toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: recordsOfTrial }, (_, n) => n),
      )
      expect(Math.max(...times.values())).toBeLessThanOrEqual(1 + killsOfTrial)
      expect(Number((await client.xpending(input, 'workers'))[0])).toBe(0)
    })
  },
)
