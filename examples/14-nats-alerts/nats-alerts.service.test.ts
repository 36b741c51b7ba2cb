import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { realServer } from '../../packages/connector-nats/test/real-server.ts'
import { Command, millrace, scratch } from '../../packages/millrace/test/command.ts'
import type { Alert, Reading } from './alerts.ts'

const server = await realServer()
const { url, manager, freshStream, store, textsIn, countIn } = server
const program = fileURLToPath(new URL('alerts.ts', import.meta.url))
const minute = 60_000

/** A reading each 10 seconds of some minutes. The cellar is too warm in every second one, any other room always. */
function readings(from: number, to: number, other: string): readonly Reading[] {
  return Array.from({ length: (to - from) * 6 }, (_, n) => from * minute + n * 10_000).flatMap((at) => [
    { sensor: 'c1', room: 'cellar', celsius: Math.floor(at / minute) % 2 === 0 ? 17 : 19 + (at % 7), at },
    { sensor: 'a1', room: other, celsius: 40, at },
    { sensor: 'x1', room: 'nowhere', celsius: 90, at },
  ])
}

test.skipIf(server.missing !== undefined)(
  'each minute in which a sensor was too warm is one alert, also when the job is killed, and limits may change',
  async () => {
    const [stream, alerts] = [await freshStream(), await freshStream()]
    const bucket = `limits-${stream}`
    await manager.streams.add({
      name: `KV_${bucket}`,
      subjects: [`$KV.${bucket}.>`],
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
    })
    const put = (room: string, celsius: number): Promise<unknown> =>
      manager.jetstream().publish(`$KV.${bucket}.${room}`, JSON.stringify({ celsius }))
    await put('cellar', 18)
    await put('attic', 50)
    const parameters = Object.entries({ url, stream, bucket, alerts }).flatMap(([name, value]) => [
      '--parameter',
      `${name}=${value}`,
    ])
    const common = [program, '--data-dir', `${await scratch()}/data`, ...parameters]
    const send = (sent: readonly unknown[]): Promise<void> =>
      store(
        stream,
        sent.map((each) => JSON.stringify(each)),
      )

    await send([...readings(0, 10, 'attic'), 'not a reading'])
    const killed = new Command(['run', ...common])
    await expect.poll(() => countIn(alerts), { timeout: 300_000 }).toBeGreaterThan(0)
    killed.kill('SIGKILL')
    await killed.ended
    await put('garage', 30)
    await send(readings(10, 20, 'garage'))
    const job = new Command(['run', ...common])
    // The minute of the last reading is not over.
    await expect.poll(() => countIn(alerts), { timeout: 300_000 }).toBe(9 + 9)
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)

    const found = (await textsIn(alerts)).map((text) => JSON.parse(text) as Alert)
    const minutesOf = (room: string): number[] =>
      found.filter((alert) => alert.room === room).map((alert) => alert.minute / minute)
    expect(minutesOf('cellar')).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17])
    expect(minutesOf('attic')).toEqual([])
    expect(minutesOf('garage')).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18])
    expect(minutesOf('nowhere')).toEqual([])
    expect((await millrace(['dlq', 'list', ...common])).out).toContain('a reading has a sensor')
  },
)
