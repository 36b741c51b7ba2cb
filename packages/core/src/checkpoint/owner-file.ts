/**
 * What the file of an epoch says: who owns the data directory since, and whether that process still lives.
 *
 *     millrace-owner 1 LENGTH CHECKSUM
 *     {"job":"k2f9…","process":{"pid":812,"host":"web-0",…},"leaseMs":30000}
 *     alive 0000000042
 *
 * The checksum is that of the second line. The third is written over in place, by an open file: with each heartbeat,
 * and with `ended` when the owner ends in good order. So it needs no room on a full disk, and what an owner writes
 * whose file was removed reaches nobody.
 */
import { crc32 } from '../codec/crc32.ts'
import type { ProcessIdentity } from '../disk/platform.ts'

/** What an owner says about itself when it takes a directory. */
export interface OwnerRecord {
  /** Names the data directory; handed on from owner to owner. */
  readonly job: string
  readonly process: ProcessIdentity
  /** How long it may be silent before it counts as gone, in milliseconds. */
  readonly leaseMs: number
}

/** The file of an epoch as it was read. */
export interface OwnerFile {
  /** Undefined for a file that was not written in full: its process never came to own anything. */
  readonly record: OwnerRecord | undefined
  readonly isReleased: boolean
  /** Another one after each heartbeat. */
  readonly beat: string
}

const format = 1
const namePattern = /^epoch-(\d{10,})$/
const encoder = new TextEncoder()

/** The name of an epoch's file. */
export function epochName(epoch: number): string {
  return `epoch-${String(epoch).padStart(10, '0')}`
}

/** The epoch in a file's name, or undefined for other names. */
export function epochOf(name: string): number | undefined {
  const match = namePattern.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** The first two lines. */
export function encodeRecord(record: OwnerRecord): Uint8Array {
  const body = encoder.encode(`${JSON.stringify(record)}\n`)
  const head = encoder.encode(`millrace-owner ${format} ${body.length} ${crc32(body).toString(16)}\n`)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/** The third line, after so many heartbeats; always of the same length. */
export function encodeState(state: 'alive' | 'ended', beats: number): Uint8Array {
  return encoder.encode(`${state} ${String(beats).padStart(10, '0')}\n`)
}

/** Reads the file of an epoch, whatever is in it. */
export function decodeOwner(bytes: Uint8Array): OwnerFile {
  const nothing = { record: undefined, isReleased: false, beat: '' }
  const newline = bytes.indexOf(0x0a)
  const head = String.fromCharCode(...bytes.subarray(0, Math.min(Math.max(newline, 0), 100)))
  const match = /^millrace-owner \d+ (\d+) ([0-9a-f]+)$/.exec(head)
  if (match === null) return nothing
  const end = newline + 1 + Number(match[1])
  const body = bytes.subarray(newline + 1, end)
  if (end > bytes.length || crc32(body).toString(16) !== match[2]) return nothing
  const decoder = new TextDecoder()
  const [state, beat = ''] = decoder.decode(bytes.subarray(end)).trimEnd().split(' ')
  const record = JSON.parse(decoder.decode(body)) as OwnerRecord
  return { record, isReleased: state === 'ended', beat }
}
