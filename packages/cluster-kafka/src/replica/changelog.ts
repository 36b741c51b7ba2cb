/**
 * The changelog of a lease: the files of its data directory as records of one compacted partition.
 *
 *     key PATH#NUMBER   a piece of a file: its value is what was appended since the piece before
 *     key lease         the head: who wrote last. The last record of every transaction
 *
 * A file begins with piece 0, which replaces any earlier file of that path. A piece without a value was removed; that of piece
 * 0 removes the file. So the newest record of each key is all that a reader needs.
 */
import { Packing, type PackedBatch, type TopicPartition } from '@millrace/connector-kafka/port'
import type { Platform } from '@millrace/core/disk'
import { isHead, type Head } from './image.ts'

/** How many bytes of a file are in one piece at most: two of them fit into a batch. */
export const pieceBytes: number = 480 * 1024

/** The settings that a changelog needs of its topic. */
export const changelogSettings: Readonly<Record<string, string>> = {
  'cleanup.policy': 'compact',
  'delete.retention.ms': '86400000',
}

/** The topic with the data directories of a job: partition i is that of lease i. */
export function changelogTopic(job: string): string {
  return `millrace-${job}-changelog`
}

/** What a record of the changelog says. */
export type Entry =
  | { readonly kind: 'piece'; readonly path: string; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'removed'; readonly path: string; readonly number: number }
  | { readonly kind: 'head'; readonly head: Head }
  /** Written by a newer version, or by something else. */
  | { readonly kind: 'unknown' }

const headKey = 'lease'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Reads a record. */
export function entryOf(key: Uint8Array | null, value: Uint8Array | null): Entry {
  const text = decoder.decode(key ?? new Uint8Array(0))
  if (text === headKey) return value === null ? { kind: 'unknown' } : headOf(value)
  const [, path, digits] = /^(.+)#(\d+)$/s.exec(text) ?? []
  if (path === undefined) return { kind: 'unknown' }
  const number = Number(digits)
  return value === null ? { kind: 'removed', path, number } : { kind: 'piece', path, number, bytes: value }
}

function headOf(value: Uint8Array): Entry {
  try {
    const head: unknown = JSON.parse(decoder.decode(value))
    if (isHead(head)) return { kind: 'head', head }
  } catch {
    // Not written by this program.
  }
  return { kind: 'unknown' }
}

/** Packs records of a changelog into batches. */
export class ChangelogPacking {
  readonly #of: TopicPartition
  readonly #packing: Packing
  #ready: PackedBatch[] = []

  constructor(of: TopicPartition, world: Pick<Platform, 'clock' | 'random'>) {
    this.#of = of
    this.#packing = new Packing({ compressor: undefined, maxRecordBytes: 1_000_000 }, world)
  }

  piece(path: string, number: number, bytes: Uint8Array): void {
    this.#add(`${path}#${number}`, bytes)
  }

  removed(path: string, number: number): void {
    this.#add(`${path}#${number}`, null)
  }

  head(head: Head): void {
    this.#add(headKey, encoder.encode(JSON.stringify(head)))
  }

  /** Takes the batches that are finished. */
  take(): readonly PackedBatch[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  /** Takes all batches. */
  takeAll(): readonly PackedBatch[] {
    return [...this.take(), ...this.#packing.takeAll()]
  }

  #add(key: string, value: Uint8Array | null): void {
    const { topic, partition } = this.#of
    const record = { topic, partition, key: encoder.encode(key), value, headers: [], timestamp: 0 }
    this.#ready.push(...this.#packing.add(record, partition + 1))
  }
}
