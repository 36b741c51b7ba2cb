import { crc32 } from '../codec/crc32.ts'
import { MillraceError } from '../errors/errors.ts'
import type { Json } from '../codec/json.ts'
import type { Fingerprint, StateSetting } from '../state/fingerprint.ts'

/** The format that this version reads and writes. */
export const manifestFormat = 4

/**
 * The content of one checkpoint. Published atomically, it makes everything it names one unit: positions,
 * state, timers, calls in flight and the prepared output of sinks.
 *
 * Names that come from data or from users are values in lists, never field names.
 */
export interface Manifest {
  readonly format: number
  /** The pipeline's name. */
  readonly pipeline: string
  readonly checkpoint: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /**
   * Why it was made: by interval, for a stop, or at the end of a run, whose input had ended or was drained.
   */
  readonly phase: 'running' | 'stopped' | 'finished'
  readonly keyGroups: number
  readonly parallelism: number
  readonly operators: readonly OperatorEntry[]
  readonly sources: readonly SourceEntry[]
  readonly watermarks: readonly WatermarkEntry[]
  readonly sinks: readonly SinkEntry[]
  /** The drop requests of the run that wrote this: `OPERATOR` or `OPERATOR/PIECE`. */
  readonly dropState: readonly string[]
  /** Written by `resetJob`, and not by a job: what the next start leaves out, as if `--drop-state` named it. */
  readonly reset?: {
    /** The checkpoint before, which has everything. */
    readonly from: number
    readonly drop: readonly string[]
  }
  readonly store: {
    readonly kind: string
    /** Which workers have had which state: a job with another layout copies it. */
    readonly layout: string
    /** The state of each worker. */
    readonly parts: readonly StorePart[]
  }
}

/** The state of one worker. */
export interface StorePart {
  /** Its directory, below that of the job's state; "" for the same. */
  readonly directory: string
  readonly snapshot: Json
}

/** A node of the program that stores data in checkpoints, with its fingerprint. */
export interface OperatorEntry extends Fingerprint {
  readonly name: string
  readonly kind: 'source' | 'operator' | 'async' | 'sink'
  /** "window", "process", "files": state of one type is never read as that of another. */
  readonly type: string
  /** Values that settings had in earlier programs, oldest first. */
  readonly earlier: readonly EarlierEntry[]
  /** The kinds of key that an operator has had: "string", "object {card, shop}". */
  readonly keys: readonly string[]
  /** Identifies the key selector by its source text; null for an operator without a key. */
  readonly keySelector: string | null
  /** The inputs of an operator with several; otherwise empty. */
  readonly inputs: readonly InputEntry[]
}

/** An input of an operator with several: its state contains records of each. */
export interface InputEntry {
  readonly name: string
  /** The sources and operators that its records come from, by name; steps in between have no stable name. */
  readonly from: readonly string[]
}

/** An earlier value of a setting, and the operator's progress when it changed. */
export interface EarlierEntry {
  readonly setting: string
  readonly value: StateSetting['value']
  /** By key groups. */
  readonly until: readonly GroupsReached[]
}

/** How far an operator had advanced in event time, for some of its key groups. */
export interface GroupsReached {
  /** The first and the last one. */
  readonly groups: readonly [first: number, last: number]
  /** Milliseconds since the epoch, or null: no watermark yet. */
  readonly watermark: number | null
}

export interface SourceEntry {
  readonly source: string
  /** The splits that were begun and have not ended. */
  readonly splits: readonly SplitEntry[]
  /** Number of finished splits. Their names are state of the source, in the store. */
  readonly finished: number
}

export interface SplitEntry {
  readonly split: string
  /** Undefined for a split that was opened only after a restart, before its first position was known. */
  readonly position: Json | undefined
  /** The newest event time seen, or null: none. */
  readonly newest: number | null
  /** The state of its watermark generator, if it has one with state. */
  readonly generator?: { readonly name: string; readonly state: Json }
}

/** How far a source or an operator had advanced in event time at the barrier, for some of its key groups. */
export interface WatermarkEntry {
  /** Its name. Steps have no stable name, and no watermark of their own. */
  readonly operator: string
  /** "files", "window": another type under the same name starts without a watermark. */
  readonly type: string
  /** The first and the last key group. Splits belong to groups by their names. */
  readonly groups: readonly [first: number, last: number]
  /** Milliseconds since the epoch, or null: none yet. Firing at the end of a run does not raise it. */
  readonly watermark: number | null
  /** Whether its input had ended and it had finished. */
  readonly hasEnded: boolean
  /** The greatest time of a window or timer that fired only because the input ended; null if none did. */
  readonly firedTo: number | null
}

export interface SinkEntry {
  readonly sink: string
  readonly subtask: number
  /** The checkpoint at whose barrier it was prepared; older than the manifest's if that one was aborted. */
  readonly preparedAt: number
  readonly committable: Json
  /** Whether it is known to be committed. If in doubt it is committed again. */
  readonly isCommitted?: true
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** A line with the checksum, then the manifest as readable JSON. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const body = encoder.encode(`${JSON.stringify(manifest, undefined, 1)}\n`)
  const head = encoder.encode(`millrace-manifest ${manifest.format} ${body.length} ${hex(crc32(body))}\n`)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/** Throws `CHECKPOINT_CORRUPT` for damaged bytes and `CHECKPOINT_INCOMPATIBLE` for another format. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const newline = bytes.indexOf(0x0a)
  const head = newline < 0 ? '' : String.fromCharCode(...bytes.subarray(0, Math.min(newline, 100)))
  const match = /^millrace-manifest (\d+) (\d+) ([0-9a-f]{8})$/.exec(head)
  if (match === null) throw corrupt(path, 'its first line is not that of a manifest')
  const [, format, length, checksum] = match
  if (Number(format) !== manifestFormat) throw otherFormat(path, Number(format))
  const body = bytes.subarray(newline + 1)
  if (body.length !== Number(length)) throw corrupt(path, `it has ${body.length} bytes instead of ${length}`)
  if (hex(crc32(body)) !== checksum) throw corrupt(path, 'its checksum does not match')
  return JSON.parse(decoder.decode(body)) as Manifest
}

function otherFormat(path: string, format: number): MillraceError {
  const advice =
    format > manifestFormat
      ? 'Run the job with the Millrace version that wrote it, or a later one'
      : 'Run the job with the Millrace version that wrote it until it has finished (--drain), then start with another data directory'
  return new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `${path} has manifest format ${format}, and this version reads format ${manifestFormat}. ${advice}`,
    { place: path },
  )
}

function corrupt(path: string, what: string): MillraceError {
  return new MillraceError('CHECKPOINT_CORRUPT', `${path}: ${what}; the file is damaged`, { place: path })
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}
