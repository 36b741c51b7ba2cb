/**
 * Readings of sensors from a stream of NATS, and alerts back into another: a sensor was too warm for its room for a minute. The
 * limits of rooms are looked up in a bucket of the key-value store, and may change while the job runs.
 *
 *     npx millrace run examples/14-nats-alerts/alerts.ts --parameter url=nats://localhost:4222
 */
import { nats } from '@millrace/connector-nats'
import { count, deadLetter, min, pipeline, tumbling } from 'millrace'

/** A sensor has measured a temperature. */
export interface Reading {
  readonly sensor: string
  readonly room: string
  readonly celsius: number
  readonly at: number
}

/** What a room may have. */
export interface Limit {
  readonly celsius: number
}

/** A sensor has measured nothing but too much for a minute. */
export interface Alert {
  readonly sensor: string
  readonly room: string
  readonly minute: number
  readonly lowest: number
  readonly limit: number
}

/** Checks what comes from outside. A schema of a library such as zod does the same. */
function reading(value: unknown): Reading {
  const { sensor, room, celsius, at } = value as Partial<Reading>
  if (
    typeof sensor === 'string' &&
    typeof room === 'string' &&
    typeof celsius === 'number' &&
    typeof at === 'number'
  ) {
    return { sensor, room, celsius, at }
  }
  throw new Error('a reading has a sensor, a room, celsius and a time')
}

export default pipeline('nats-alerts', (p) => {
  const url = p.parameter('url', 'nats://127.0.0.1:4222')
  const stream = p.parameter('stream', 'READINGS')
  const bucket = p.parameter('bucket', 'limits')
  const alerts = p.parameter('alerts', 'ALERTS')

  p.from('readings', nats.readJson({ url, stream, schema: reading }), { onError: deadLetter('rejected') })
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '5s' })
    .keyBy(({ room, sensor }) => [room, sensor])
    .window(tumbling('1m'))
    .aggregate('coldest', { lowest: min(({ celsius }) => celsius), readings: count() })
    .lookup('limit', {
      key: ({ key: [room] }) => room,
      load: nats.loadKeys<Limit>({ url, bucket }),
      combine: ({ key, window, lowest, readings }, limit) => ({
        key,
        minute: window.start,
        lowest,
        readings,
        limit,
      }),
      cache: { ttl: '10s' },
      timeout: '5s',
      retry: { attempts: 10 },
      breaker: { failures: 5, openFor: '1s' },
    })
    // A room without a limit is none of our business, and one reading says little.
    .filter(({ limit, lowest, readings }) => limit !== undefined && lowest > limit.celsius && readings >= 3)
    .map(({ key: [room, sensor], minute, lowest, limit }): Alert => {
      return { sensor, room, minute, lowest, limit: limit!.celsius }
    })
    .to('alerts', nats.writeJson({ url, stream: alerts, subject: ({ room }) => `${alerts}.${room}` }))
})
