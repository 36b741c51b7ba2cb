import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, textsIn, countIn, use } = server
const records = 20_000
const kills = 10

test.skipIf(server.missing !== undefined)(
  'a process that is killed ten times, beside a broker that is killed twice, counts each message once',
  async () => {
    const [input, output] = [await freshQueue({ 'x-queue-type': 'quorum' }), await freshQueue()]
    const directory = await mkdtemp(path.join(tmpdir(), 'millrace-rabbitmq-kills-'))
    const program = fileURLToPath(new URL('program.ts', import.meta.url))
    const launch = (...more: string[]): ChildProcess =>
      spawn(
        process.execPath,
        ['--conditions=@millrace/source', '--import', 'tsx', program, url, input, output, directory, ...more],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      )
    const ids = (text: string): string => String((JSON.parse(text) as { n: number }).n)
    for (let round = 0; round < kills; round++) {
      const child = launch()
      const each = records / kills
      const before = await countIn(output)
      const texts = Array.from({ length: each }, (_, at) => {
        const n = round * each + at
        return JSON.stringify({ n, k: `k${n % 11}` })
      })
      await store(input, texts, { ids })
      // Some of this round's results are out, and most are not: it works right now.
      await expect.poll(() => countIn(output), { timeout: 300_000, interval: 2 }).toBeGreaterThan(before)
      if (round === 3 || round === 5) await server.restart()
      child.kill('SIGKILL')
      await once(child, 'exit')
      await delay(350)
    }
    // Messages that were delivered to a killed process are ready again once the broker has noticed its end.
    const consumers = (): Promise<number> =>
      use(async (channel) => (await channel.checkQueue(input)).consumerCount)
    await expect.poll(consumers, { timeout: 60_000 }).toBe(0)
    expect(await countIn(input)).toBeGreaterThan(0)
    const last = launch('bounded')
    expect(await once(last, 'exit')).toEqual([0, null])
    const results = (await textsIn(output)).map(
      (text) => JSON.parse(text) as { key: string; value: { count: number; n: number } },
    )
    // A result may be there twice, but always with the same count, if it is of a checkpoint that counts.
    const newest = new Map(results.map(({ value }) => [value.n, value.count]))
    expect(newest.size).toBe(records)
    for (let key = 0; key < 11; key++) {
      const counts = [...newest].filter(([n]) => n % 11 === key).map(([, count]) => count)
      expect(counts.toSorted((a, b) => a - b)).toEqual(counts.map((_, at) => at + 1))
    }
    await rm(directory, { recursive: true, force: true })
  },
)
