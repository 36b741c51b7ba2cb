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
  /** How long it lives after its stamp, in milliseconds; undefined: as long as its table says. */
  ownLifeMs: number | undefined
  /** The cell that stores it: set by the table whenever it returns the cell. */
  stored!: Cell<ExpiringCell<T>>
  /** The bucket that it is in. */
  bucket: Set<ExpiringCell<unknown>> | undefined = undefined

  constructor(value: T, stamp: number, ownLifeMs?: number) {
    this.value = value
    this.stamp = stamp
    this.ownLifeMs = ownLifeMs
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
  event: 'event-life:',
  processing: 'processing-life:',
}
/** Of values without a time to live of their own. */
const earlierPrefixes: Readonly<Record<ExpiryClock, string>> = {
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
      out.byte(cell.ownLifeMs === undefined ? 0 : 1)
      if (cell.ownLifeMs !== undefined) out.float64(cell.ownLifeMs)
      codec.encode(cell.value, out)
    },
    decode: (input, version) =>
      readStamped(input, { hasLife: true }, (values) => codec.decode(values, version)),
    reader(id, version) {
      const stored = stampOf(id)
      const read = readerOf(codec, stored.id, version)
      if (read === undefined) return undefined
      if (stored.clock === undefined) return (input) => new ExpiringCell(read(input), Number.NaN)
      return (input) => {
        const cell = readStamped(input, stored, read)
        if (stored.clock !== clock) cell.stamp = Number.NaN
        return cell
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
      return (input) => readStamped(input, stored, read).value
    },
  }
}

/** Backs up the value by `backup`, and the stamp with it. */
export function expiringBackup<T>(backup: Backup<T>): Backup<ExpiringCell<T>> {
  return (cell) => {
    const { stamp, ownLifeMs } = cell
    const before = backup(cell.value)
    return () => {
      cell.stamp = stamp
      cell.ownLifeMs = ownLifeMs
      cell.value = before()
      return cell
    }
  }
}

/** How values were stored: the clock of their stamps, and the codec of the values. */
export interface StoredStamp {
  /** Undefined: they have no stamps. */
  readonly clock: ExpiryClock | undefined
  readonly id: string
  /** Whether a value may have a time to live of its own. */
  readonly hasLife: boolean
}

/** How values of a stored codec were stamped. */
export function stampOf(stored: string): StoredStamp {
  for (const clock of ['event', 'processing'] as const) {
    for (const [hasLife, prefix] of [
      [true, prefixes[clock]],
      [false, earlierPrefixes[clock]],
    ] as const) {
      if (stored.startsWith(prefix)) return { clock, id: stored.slice(prefix.length), hasLife }
    }
  }
  return { clock: undefined, id: stored, hasLife: false }
}

/** Reads a stamp and then the value by `read`. */
export function readStamped<T>(
  input: ByteReader,
  { hasLife }: Pick<StoredStamp, 'hasLife'>,
  read: (input: ByteReader) => T,
): ExpiringCell<T> {
  const stamp = input.float64()
  const ownLifeMs = hasLife && input.byte() === 1 ? input.float64() : undefined
  return new ExpiringCell(read(input), stamp, ownLifeMs)
}

function readerOf<T>(codec: Codec<T>, id: string, version: number): ((input: ByteReader) => T) | undefined {
  if (id !== codec.id) return codec.reader?.(id, version)
  return version > codec.version ? undefined : (input) => codec.decode(input, version)
}
