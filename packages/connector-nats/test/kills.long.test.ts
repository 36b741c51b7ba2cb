import { nanos } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import {
  expectedCounts,
  killTenTimes,
  numberedTexts,
  type CountedNumber,
} from '../../../lab/servers/kill-ten-times.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store, textsIn, countIn } = server

test.skipIf(server.missing !== undefined)(
  'a process that is killed ten times, beside a server that is killed at one third and one half, writes each result once',
  async () => {
    // The server forgets ids at once: nothing relies on its window for duplicates.
    const [input, output] = [await freshStream(), await freshStream({ duplicate_window: nanos(100) })]
    await killTenTimes({
      program: new URL('program.ts', import.meta.url),
      args: [url, input, output],
      feed: (from, end) => store(input, numberedTexts(from, end)),
      written: () => countIn(output),
      restart: server.restart,
    })
    const results = (await textsIn(output)).map((text) => JSON.parse(text) as CountedNumber)
    expect(results).toEqual(expectedCounts())
  },
)
