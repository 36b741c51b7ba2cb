import { memory } from '@millrace/connector-memory'
import type { Job } from '@millrace/core/job'
import { enrich, pipeline, type Pipeline } from '@millrace/flow'
import { headers } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { dataDirectory, startOn } from '../../../lab/servers/job-on-disk.ts'
import { nats, type KeyChange, type KeyDeletion } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, manager, freshStream } = server

const start = async (built: Pipeline, isBounded = true): Promise<Job> =>
  startOn(built, await dataDirectory(), { isBounded })

/** A bucket as `nats kv add` makes it. */
async function freshBucket(): Promise<string> {
  const bucket = await freshStream()
  await manager.streams.add({
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    allow_direct: true,
    discard: 'new',
  })
  return bucket
}

async function put(bucket: string, key: string, value: unknown, trace?: string): Promise<void> {
  const given = headers()
  if (trace !== undefined) given.set('trace', trace)
  await manager.jetstream().publish(`$KV.${bucket}.${key}`, JSON.stringify(value), { headers: given })
}

async function remove(bucket: string, key: string, operation: 'DEL' | 'PURGE'): Promise<void> {
  const given = headers()
  given.set('KV-Operation', operation)
  given.set('trace', `remove ${key}`)
  if (operation === 'PURGE') given.set('Nats-Rollup', 'sub')
  await manager.jetstream().publish(`$KV.${bucket}.${key}`, '', { headers: given })
}

interface Room {
  readonly limit: number
}

describe.skipIf(server.missing !== undefined)('a bucket of the key-value store', () => {
  test('is read as changes: the newest of each key, then what follows, also deletions', async () => {
    const bucket = await freshBucket()
    await put(bucket, 'cellar', { limit: 1 })
    await put(bucket, 'attic.north', { limit: 2 })
    await put(bucket, 'cellar', { limit: 3 }, 'put cellar')
    await put(bucket, 'other', { limit: 4 })
    await remove(bucket, 'other', 'PURGE')
    const changes = memory.write<KeyChange<Room>>()
    const job = await start(
      pipeline('changes', (p) => p.from('rooms', nats.readKeys<Room>({ url, bucket })).to('out', changes)),
      false,
    )
    await expect.poll(() => changes.values.length, { timeout: 300_000 }).toBe(3)
    await remove(bucket, 'cellar', 'DEL')
    await expect.poll(() => changes.values.length, { timeout: 300_000 }).toBe(4)
    await job.stop()
    expect(changes.values).toMatchObject([
      { kind: 'put', key: 'attic.north', value: { limit: 2 }, revision: 2 },
      { kind: 'put', key: 'cellar', value: { limit: 3 }, revision: 3 },
      { kind: 'deletion', key: 'other', revision: 5 },
      { kind: 'deletion', key: 'cellar', revision: 6 },
    ])
    // What the key-value store says with a header is none of the record's.
    expect(changes.committed.map((change) => change.headers)).toEqual([
      undefined,
      { trace: 'put cellar' },
      { trace: 'remove other' },
      { trace: 'remove cellar' },
    ])
  })

  test('is a table, which enriches a stream', async () => {
    const bucket = await freshBucket()
    for (const [key, limit] of [
      ['cellar', 18],
      ['attic', 30],
      ['gone', 1],
    ] as const)
      await put(bucket, key, { limit })
    await remove(bucket, 'gone', 'DEL')
    const rows = memory.write<unknown>()
    const job = await start(
      pipeline('rooms', (p) => {
        const readings = p
          .from(
            'readings',
            memory.read([{ room: 'cellar' }, { room: 'gone' }, { room: 'attic' }, { room: 'unknown' }]),
          )
          .withTimestamps({ timestamp: () => 2_000_000_000_000 })
          .keyBy(({ room }) => room)
        const rooms = p
          .from('rooms', nats.readKeys<Room>({ url, bucket }))
          .withTimestamps({ timestamp: ({ timestamp }) => timestamp })
          .keyBy(({ key }) => key)
          .toTable('table', { deleteIf: (change): change is KeyDeletion => change.kind === 'deletion' })
        enrich(readings, rooms)
          .left('limits', ({ room }, row) => [room, row?.value.limit])
          .to('out', rows)
      }),
    )
    expect(await job.ended).toEqual({ outcome: 'finished' })
    expect(rows.values.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
      ['attic', 30],
      ['cellar', 18],
      ['gone', undefined],
      ['unknown', undefined],
    ])
  })

  test('is looked up by key; a key that is a pattern, deleted or missing has no row', async () => {
    const bucket = await freshBucket()
    await put(bucket, 'cellar', { limit: 18 })
    await put(bucket, 'gone', { limit: 1 })
    await remove(bucket, 'gone', 'DEL')
    const rows = memory.write<unknown>()
    const rooms = ['cellar', 'gone', '*', '>', '', 'a room', 'unknown', 'cellar']
    const job = await start(
      pipeline('lookup', (p) => {
        p.from('in', memory.read(rooms))
          .lookup('room', {
            key: (room) => room,
            load: nats.loadKeys<Room>({ url, bucket }),
            combine: (room, row) => [room, row?.limit],
          })
          .to('out', rows)
      }),
    )
    expect(await job.ended).toEqual({ outcome: 'finished' })
    expect(rows.values).toEqual(rooms.map((room) => [room, room === 'cellar' ? 18 : undefined]))
  })

  test('whose server is not there fails the lookup, without the password', async () => {
    const load = nats.loadKeys<Room>({ url: 'nats://app:secret-word@127.0.0.1:1', bucket: 'rooms' })
    const failure = await load(['a'], new AbortController().signal).catch(String)
    expect(failure).toMatch(/no answer of bucket rooms on 127\.0\.0\.1:1/)
    expect(failure).not.toContain('secret-word')
  })
})
