import { decodeJson, type ConnectorContext } from '@millrace/core/connector'
import type { Fs, Owner } from '@millrace/core/disk'
import { AppendLogReader } from '@millrace/segment-log'
import { SimOwners, type SimFs } from '@millrace/testkit'
import { expect } from 'vitest'
import type { AcceptedRequest } from '../src/inbox-entry.ts'
import { InboxReader } from '../src/inbox-reader.ts'
import { Inbox } from '../src/inbox.ts'
import type { InboxPosition } from '../src/inbox-position.ts'

export const directory = 'data/connectors/in'

const encoder = new TextEncoder()

/** A request with these JSON values as records. */
export function request(values: readonly unknown[], key = ''): AcceptedRequest {
  const records = values.map((value) => encoder.encode(JSON.stringify(value)))
  return { key, fingerprint: values.length, records }
}

/** The names of the existing files. */
export function segmentsIn(fs: SimFs): string[] {
  return fs.paths().map((path) => path.slice(path.lastIndexOf('/') + 1))
}

export interface InboxLifeOptions {
  readonly fs: Fs
  readonly from?: InboxPosition
  readonly isBounded?: boolean
  readonly segmentBytes?: number
  readonly rememberedMax?: number
  readonly owner?: Owner
  readonly warn?: (message: string) => void
}

/** An inbox and its reader, as one run of a job uses them. */
export interface InboxLife {
  readonly inbox: Inbox
  readonly reader: InboxReader<unknown>
  /** Aborts the reader's wait. */
  readonly abort: AbortController
}

export async function openLife(options: InboxLifeOptions): Promise<InboxLife> {
  const { fs, from, isBounded = false, segmentBytes = 2_000, rememberedMax = 100 } = options
  const abort = new AbortController()
  const inbox = await Inbox.open({
    fs,
    directory,
    owner: options.owner ?? new SimOwners().take(),
    warn: options.warn ?? (() => {}),
    from,
    segmentBytes,
    rememberedMax,
  })
  const entries = new AppendLogReader(inbox.log, fs)
  const context: Partial<ConnectorContext> = { name: 'in', isBounded, signal: abort.signal }
  const reader = new InboxReader<unknown>(
    {
      inbox,
      entries,
      split: 'inbox',
      context: context as ConnectorContext,
      decode: decodeJson,
      onClose: () => Promise.resolve(),
    },
    from ?? { ...inbox.log.start, record: 0 },
  )
  return { inbox, reader, abort }
}

/** Reads up to `limit` records, or all there are, including those being appended. */
export async function take({ reader }: InboxLife, limit: number = Infinity): Promise<unknown[]> {
  const values: unknown[] = []
  while (values.length < limit) {
    const poll = reader.poll(Math.min(limit - values.length, 7))
    if (poll.kind === 'end' || (poll.kind === 'pending' && poll.isCaughtUp)) break
    if (poll.kind === 'pending') await reader.ready()
    else {
      expect(poll.failures).toBeUndefined()
      values.push(...poll.values)
    }
  }
  return values
}
