import { MillraceError, noHeaders } from '@millrace/core'
import type { Batch, RejectRecord } from '@millrace/core/connector'
import { joined } from '../client/http-client.ts'
import type { RecordIds } from './record-ids.ts'
import type { SendPlan } from './send-options.ts'

/** A record that is ready to be sent. */
export interface OutgoingRecord {
  /** Its index in the batch that is written. */
  readonly index: number
  readonly id: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Records that share a URL and header fields, sent as one request. */
export type OutgoingRequest = readonly OutgoingRecord[]

const encoder = new TextEncoder()
const [open, comma, close, newline] = encoder.encode('[,]\n')

/** Makes records ready, and rejects those that cannot be. Returns them by lane: a lane is sent in order. */
export function lanesOf<T>(
  plan: SendPlan<T>,
  ids: RecordIds<T>,
  batch: Batch<T>,
  reject: RejectRecord,
): OutgoingRecord[][] {
  const lanes: OutgoingRecord[][] = Array.from({ length: plan.lanes }, () => [])
  for (let index = 0; index < batch.length; index++) {
    const value = batch.values[index]!
    let record: OutgoingRecord
    let lane: number
    try {
      const id = ids.idOf(batch, index)
      record = {
        index,
        id,
        url: plan.urlOf(value),
        headers: plan.recordHeaders(value, batch.headers?.[index] ?? noHeaders),
        body: bytesOf(plan.encode(value)),
      }
      lane = plan.laneOf === undefined ? 0 : hash(String(plan.laneOf(value))) % plan.lanes
    } catch (error) {
      reject(index, error)
      continue
    }
    lanes[lane]!.push(record)
  }
  return lanes.filter((lane) => lane.length > 0)
}

/** Cuts a lane into requests. */
export function requestsOf<T>({ batch }: SendPlan<T>, lane: readonly OutgoingRecord[]): OutgoingRequest[] {
  if (batch === undefined) return lane.map((record) => [record])
  const requests: OutgoingRecord[][] = []
  let bytes = 0
  for (const record of lane) {
    const last = requests.at(-1)
    bytes += record.body.length + 1
    if (
      last !== undefined &&
      last.length < batch.records &&
      bytes <= batch.bytes &&
      isAlike(last[0]!, record)
    ) {
      last.push(record)
      continue
    }
    requests.push([record])
    bytes = record.body.length + 2
  }
  return requests
}

/** The body of a request. */
export function bodyOf<T>({ batch }: SendPlan<T>, request: OutgoingRequest): Uint8Array {
  if (batch === undefined) return request[0]!.body
  const isArray = batch.format === 'json'
  const chunks: Uint8Array[] = []
  for (const [at, { body }] of request.entries()) {
    if (isArray) chunks.push(Uint8Array.of(at === 0 ? open! : comma!))
    chunks.push(body)
    if (!isArray) chunks.push(Uint8Array.of(newline!))
  }
  if (isArray) chunks.push(Uint8Array.of(close!))
  return joined(
    chunks,
    chunks.reduce((length, chunk) => length + chunk.length, 0),
  )
}

function isAlike(one: OutgoingRecord, other: OutgoingRecord): boolean {
  return one.url.href === other.url.href && JSON.stringify(one.headers) === JSON.stringify(other.headers)
}

function bytesOf(encoded: unknown): Uint8Array {
  if (typeof encoded === 'string') return encoder.encode(encoded)
  if (encoded instanceof Uint8Array) return encoded
  throw new MillraceError('CODEC_FAILED', `encode has returned ${typeof encoded}; return text or bytes`)
}

/** FNV-1a. */
function hash(text: string): number {
  let sum = 0x811c9dc5
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return sum >>> 0
}
