import { MillraceError } from '@millrace/core'
import type { Json, StoreSnapshot } from '@millrace/core'
import { segmentName } from './segment.ts'

/** What this version writes into `MemorySnapshot.format`, and the newest that it reads. */
export const snapshotFormat = 1

/** What a manifest says about this store: which bytes of which files are the state. */
export type MemorySnapshot = {
  readonly format: number
  /** Counts the snapshots of a directory, over restarts too. */
  readonly number: number
  /** The highest place in the order of creation that was given to a cell. */
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

/** A table that has records in the segments. */
export type NamedTable = {
  readonly owner: string
  readonly name: string
  readonly codec: string
  /** The highest version of the codec in use. */
  readonly version: number
  /** Records with a `seq` up to this are left-overs of an earlier table of the same name. */
  readonly since: number
}

/** Reads what `persist` returned, perhaps in another version of this package. */
export function readSnapshot(json: StoreSnapshot): MemorySnapshot {
  const format = isObject(json) ? json['format'] : undefined
  if (typeof format === 'number' && format > snapshotFormat) {
    throw new MillraceError(
      'CHECKPOINT_INCOMPATIBLE',
      `the snapshot of the memory store has format ${format}; this version reads formats up to ` +
        `${snapshotFormat}: restore it with the version of Millrace that made it, or a newer one`,
    )
  }
  if (!isSnapshot(json)) {
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      'what the manifest holds for the memory store is no snapshot of this store; restore an older checkpoint',
    )
  }
  return json
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
  // The name becomes part of a path, so nothing but a segment's name may pass.
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
