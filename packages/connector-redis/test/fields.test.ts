import { memory } from '@millrace/connector-memory'
import type { Format, Source } from '@millrace/core/connector'
import { pipeline } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { dataDirectory, run } from '../../../lab/servers/job-on-disk.ts'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server

async function recordsOf<T>(source: Source<T>): Promise<readonly T[]> {
  const written = memory.write<T>()
  const built = pipeline('fields', (p) => p.from('in', source).to('out', written))
  expect(await run(built, await dataDirectory())).toMatchObject({ outcome: 'finished' })
  return written.values
}

const bytes: Format<Uint8Array> = {
  name: 'bytes',
  contentType: 'application/octet-stream',
  encode: (value) => value,
  decode: (raw) => raw,
}

describe.skipIf(server.missing !== undefined)('the fields of entries', () => {
  test('are text, whatever their names are', async () => {
    const input = freshKey()
    const id = await client.xadd(input, '*', 'data', 'ä', '__proto__', 'own', 'constructor', '')
    const fields = Object.fromEntries([
      ['data', 'ä'],
      ['__proto__', 'own'],
      ['constructor', ''],
    ])
    const [entry, ...others] = await recordsOf(redis.readEntries(input, { url }))
    expect([entry, others]).toEqual([{ id, fields }, []])
    expect(Object.getPrototypeOf(entry!.fields)).toBe(Object.prototype)
  })

  test('are bytes for a format, also those that are no text', async () => {
    const input = freshKey()
    await client.xadd(input, '*', 'data', Buffer.of(0xff, 0))
    expect(await recordsOf(redis.read(input, { url, format: bytes }))).toEqual([Buffer.of(0xff, 0)])
  })
})
