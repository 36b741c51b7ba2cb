import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nanos } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store, textsIn, countIn } = server
const records = 20_000
const kills = 10

test.skipIf(server.missing !== undefined)(
  'a process that is killed ten times, beside a server that is killed twice, writes each result once',
  async () => {
    // The server forgets ids at once: nothing relies on its window for duplicates.
    const [input, output] = [await freshStream(), await freshStream({ duplicate_window: nanos(100) })]
    const directory = await mkdtemp(path.join(tmpdir(), 'millrace-nats-kills-'))
    const program = fileURLToPath(new URL('program.ts', import.meta.url))
    const launch = (...more: string[]): ChildProcess =>
      spawn(
        process.execPath,
        ['--conditions=@millrace/source', '--import', 'tsx', program, url, input, output, directory, ...more],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      )
    for (let round = 0; round < kills; round++) {
      const child = launch()
      const each = records / kills
      const texts = Array.from({ length: each }, (_, at) => {
        const n = round * each + at
        return JSON.stringify({ n, k: `k${n % 11}` })
      })
      await store(input, texts)
      // Some of this round's results are out, and most are not: it works right now.
      await expect
        .poll(() => countIn(output), { timeout: 300_000, interval: 2 })
        .toBeGreaterThan(round * each * 0.9)
      if (round === 3 || round === 5) await server.restart()
      child.kill('SIGKILL')
      await once(child, 'exit')
      await delay(350)
    }
    const last = launch('bounded')
    expect(await once(last, 'exit')).toEqual([0, null])
    const results = (await textsIn(output)).map(
      (text) => JSON.parse(text) as { key: string; value: { count: number; n: number } },
    )
    const expected = Array.from({ length: records }, (_, n) => ({
      key: `k${n % 11}`,
      value: { count: Math.floor(n / 11) + 1, n },
    }))
    expect(results).toEqual(expected)
    await rm(directory, { recursive: true, force: true })
  },
)
