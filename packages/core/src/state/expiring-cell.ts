import type { ByteReader } from '../codec/bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { Backup } from './backup.ts'
import type { Cell } from './state-store.ts'
import type { ExpiryClock } from './time-to-live.ts'

/** A value with its stamp, as a table stores it. To the owner of the table it is the cell. */
export class ExpiringCell<T> implements Cell<T> {
  value: T
  /** When it was created or refreshed; `NaN` if that is not known yet. */
  stamp: number
  /** The cell that stores it: set by the table whenever it returns the cell. */
  stored!: Cell<ExpiringCell<T>>
  /** The bucket that it is in. */
  bucket: Set<ExpiringCell<unknown>> | undefined = undefined

  constructor(value: T, stamp: number) {
    this.value = value
    this.stamp = stamp
  }

  get outer(): KeyToken {
    return this.stored.outer
  }

  get inner(): KeyToken {
    return this.stored.inner
  }

  get group(): number {
    return this.stored.group
  }
}

const prefixes: Readonly<Record<ExpiryClock, string>> = {
  event: 'event-ttl:',
  processing: 'processing-ttl:',
}

/**
 * Encodes values of `codec` with their stamps. It also reads values without a stamp and values stamped by the
 * other clock: their time to live begins at the restore.
 */
export function expiringCodec<T>(codec: Codec<T>, clock: ExpiryClock): Codec<ExpiringCell<T>> {
  return {
    id: prefixes[clock] + codec.id,
    version: codec.version,
    encode(cell, out) {
      out.float64(cell.stamp)
      codec.encode(cell.value, out)
    },
    decode(input, version) {
      const stamp = input.float64()
      return new ExpiringCell(codec.decode(input, version), stamp)
    },
    reader(id, version) {
      const stored = stampOf(id)
      const read = readerOf(codec, stored.id, version)
      if (read === undefined) return undefined
      return (input) => {
        const stamp = stored.clock === undefined ? Number.NaN : input.float64()
        return new ExpiringCell(read(input), stored.clock === clock ? stamp : Number.NaN)
      }
    },
  }
}

/** The same codec, which also reads values that an earlier program stored with stamps. */
export function unstampedCodec<T>(codec: Codec<T>): Codec<T> {
  return {
    id: codec.id,
    version: codec.version,
    encode: (value, out) => codec.encode(value, out),
    decode: (input, version) => codec.decode(input, version),
    reader(id, version) {
      const stored = stampOf(id)
      if (stored.clock === undefined) return codec.reader?.(id, version)
      const read = readerOf(codec, stored.id, version)
      if (read === undefined) return undefined
      return (input) => {
        input.float64()
        return read(input)
      }
    },
  }
}

/** Backs up the value by `backup`, and the stamp with it. */
export function expiringBackup<T>(backup: Backup<T>): Backup<ExpiringCell<T>> {
  return (cell) => {
    const { stamp } = cell
    const before = backup(cell.value)
    return () => {
      cell.stamp = stamp
      cell.value = before()
      return cell
    }
  }
}

/** The clock of the stamps of a stored codec, and the codec of the values. */
function stampOf(stored: string): { readonly clock: ExpiryClock | undefined; readonly id: string } {
  for (const clock of ['event', 'processing'] as const) {
    const prefix = prefixes[clock]
    if (stored.startsWith(prefix)) return { clock, id: stored.slice(prefix.length) }
  }
  return { clock: undefined, id: stored }
}

function readerOf<T>(codec: Codec<T>, id: string, version: number): ((input: ByteReader) => T) | undefined {
  if (id !== codec.id) return codec.reader?.(id, version)
  return version > codec.version ? undefined : (input) => codec.decode(input, version)
}
