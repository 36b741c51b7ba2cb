import { MillraceError } from '@millrace/core'
import type { Json } from '@millrace/core'
import type { StoreFile, StoreSnapshot } from '@millrace/core/store'
import { segmentName } from './segment.ts'

/** The value of `MemorySnapshot.format` that this version writes, and the newest that it reads. */
export const snapshotFormat = 2

/** The store's part of a manifest: which bytes of which files are the state. */
export type MemorySnapshot = {
  readonly format: number
  /** Counts the snapshots of a directory, across restarts. */
  readonly number: number
  /** The highest number in the order of creation that was given to a cell. */
  readonly seq: number
  /** Oldest first. */
  readonly segments: readonly NamedSegment[]
  readonly tables: readonly NamedTable[]
}

export type NamedSegment = {
  readonly file: string
  /** How many bytes from the start of the file belong to the state. */
  readonly bytes: number
  /** `chainChecksum` of the blocks in them. */
  readonly checksum: number
}

/** A table with records in the segments. */
export type NamedTable = {
  readonly owner: string
  readonly name: string
  readonly codec: string
  /** The highest version of the codec in use. */
  readonly version: number
  /** Records with a `seq` up to this belong to an earlier table of the same name. */
  readonly since: number
}

/** Validates a result of `persist`, perhaps from another version of this package. */
export function readSnapshot(json: StoreSnapshot): MemorySnapshot {
  const format = isObject(json) ? json['format'] : undefined
  if (typeof format === 'number' && format !== snapshotFormat) {
    throw new MillraceError(
      'CHECKPOINT_INCOMPATIBLE',
      `the snapshot of the state store has format ${format}; this version reads format ` +
        `${snapshotFormat}: restore it with the version of Millrace that made it`,
    )
  }
  if (!isSnapshot(json)) {
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      'the manifest does not contain a valid snapshot of the state store; restore an older checkpoint',
    )
  }
  return json
}

/** The files that a snapshot consists of. */
export function snapshotFiles(snapshot: StoreSnapshot): readonly StoreFile[] {
  return readSnapshot(snapshot).segments.map(({ file, bytes }) => ({ file, bytes }))
}

function isSnapshot(json: Json): json is MemorySnapshot {
  return (
    isObject(json) &&
    isCount(json['format']) &&
    isCount(json['number']) &&
    isCount(json['seq']) &&
    isList(json['segments'], isNamedSegment) &&
    isList(json['tables'], isNamedTable)
  )
}

function isNamedSegment(json: Json): boolean {
  if (!isObject(json) || !isCount(json['bytes']) || !isCount(json['checksum'])) return false
  // The name becomes part of a path, so only a segment's name is allowed.
  const file = json['file']
  return typeof file === 'string' && segmentName(file) !== undefined
}

function isNamedTable(json: Json): boolean {
  return (
    isObject(json) &&
    typeof json['owner'] === 'string' &&
    typeof json['name'] === 'string' &&
    typeof json['codec'] === 'string' &&
    isCount(json['version']) &&
    isCount(json['since'])
  )
}

function isObject(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isCount(json: Json | undefined): boolean {
  return typeof json === 'number' && Number.isSafeInteger(json) && json >= 0
}

function isList(json: Json | undefined, isItem: (item: Json) => boolean): boolean {
  return Array.isArray(json) && json.every(isItem)
}
