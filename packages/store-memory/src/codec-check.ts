import { MillraceError } from '@millrace/core'
import type { ByteReader } from '@millrace/core'
import type { TableSpec } from '@millrace/core/store'

/** The codec of stored bytes. */
export interface StoredCodec {
  readonly codec: string
  readonly version: number
}

/** How the values of a block are read. */
export interface ValueReader {
  read(input: ByteReader): unknown
  /** Whether another codec wrote them, so they must be rewritten. */
  readonly isForeign: boolean
}

/** Throws `CHECKPOINT_INCOMPATIBLE` if the table's codec cannot read bytes of that codec and version. */
export function readerOf(spec: TableSpec<unknown>, stored: StoredCodec): ValueReader {
  const { owner, name, codec } = spec
  const { version } = stored
  if (stored.codec === codec.id && version <= codec.version) {
    return { read: (input) => codec.decode(input, version), isForeign: false }
  }
  const read = stored.codec === codec.id ? undefined : codec.reader?.(stored.codec, version)
  if (read !== undefined) return { read, isForeign: true }
  const advice =
    stored.codec === codec.id
      ? 'run a version of the program that knows it, or restore an older checkpoint'
      : 'give the new state another name, or the state its old codec'
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `operator ${owner}, state ${name}: the checkpoint holds values of codec ${stored.codec} version ` +
      `${version}, the program has codec ${codec.id} version ${codec.version}; ${advice}`,
    { place: owner },
  )
}
