import { memory } from '@millrace/connector-memory'
import { ManualClock } from '@millrace/world'
import { describeCases, sourceConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { ConnectorContext, Source } from './source.ts'
import { MillraceError } from '../errors/errors.ts'
import type { RecordHeaders } from '../record/headers.ts'
import { readAs, type Format } from './format.ts'

/** Text whose first byte names a schema, which has to be fetched. */
class FetchedFormat implements Format<string> {
  readonly name = 'fetched'
  readonly contentType = 'text/x-fetched'
  readonly fetched = new Set<number>()
  isBroken = false

  load([id = 0]: Uint8Array, { clock }: Pick<ConnectorContext, 'clock'>): Promise<void> | undefined {
    if (this.fetched.has(id)) return undefined
    return new Promise((resolve, reject) => {
      clock.schedule(5, () => {
        if (this.isBroken) return reject(new MillraceError('SOURCE_FAILED', 'the schema cannot be fetched'))
        this.fetched.add(id)
        resolve()
      })
    })
  }

  decode(bytes: Uint8Array): string {
    const text = new TextDecoder().decode(bytes.subarray(1))
    if (!this.fetched.has(bytes[0]!)) throw new MillraceError('INTERNAL', 'decoded too early')
    if (text === 'bad') throw new MillraceError('DECODE_FAILED', 'this one is bad')
    return text
  }

  encode(value: string): Uint8Array {
    return message(1, value)
  }
}

function message(id: number, text: string): Uint8Array {
  return Uint8Array.of(id, ...new TextEncoder().encode(text))
}

const sent = [
  message(1, 'a'),
  message(1, 'b'),
  message(2, 'bad'),
  message(2, 'c'),
  message(1, 'd'),
  message(3, 'e'),
]

/** Those of every message but the first ones. */
const headersOf = ([id = 0]: Uint8Array): RecordHeaders | undefined =>
  id === 1 ? undefined : { id: String(id) }

function source(format: Format<string>): Source<string, number> {
  return readAs(memory.read(sent, { headers: headersOf }), format, (bytes) => bytes)
}

describeCases(
  'a source of messages in a format whose schemas are fetched',
  sourceConformance<string>({
    create: () =>
      Promise.resolve({
        source: () => source(new FetchedFormat()),
        splits: new Map([['all', ['a', 'b', 'c', 'd', 'e']]]),
        failures: new Map([['all', 1]]),
        headers: new Map([['all', sent.map(headersOf)]]),
      }),
    features: {
      durability: 'replayable',
      ends: true,
      severalSplits: false,
      failures: true,
      grows: false,
      acknowledges: false,
    },
  }),
  { describe, test },
)

test('a schema that cannot be fetched fails the job, and the position is before its record', async () => {
  const clock = new ManualClock()
  const format = new FetchedFormat()
  format.fetched.add(1)
  format.isBroken = true
  const context = {
    name: 'in',
    clock,
    signal: new AbortController().signal,
  } as Partial<ConnectorContext> as ConnectorContext
  const reader = await source(format).open('all', undefined, context)
  expect(reader.poll(10)).toMatchObject({ kind: 'records', values: ['a', 'b'] })
  const ready = reader.ready()
  await clock.advance(10)
  await ready
  expect(() => reader.poll(10)).toThrow('the schema cannot be fetched')
  expect(reader.position()).toBe(2)
  await reader.close()
})
