import { ByteWriter, structuredCodec } from '@millrace/core'
import { stateEntry } from '@millrace/control/state'
import { EncodedValue, type StateRow, type StoredState } from '@millrace/core/job'
import { keyToken, type KeyToken } from '@millrace/core/store'

/** A value that two checkpoints do not have alike. Values are as JSON can show them. */
export interface StateDifference {
  readonly operator: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly table: string
  readonly key: unknown
  /** The key in a map, or the window; null where a key has one value. */
  readonly inner: unknown
  /** Absent if it was added. */
  readonly before?: unknown
  /** Absent if it was removed. */
  readonly after?: unknown
}

const everything = { skip: 0, limit: Number.POSITIVE_INFINITY }

/** How the state of the operators differs, one operator after the other. `operator` selects one, `table` one of its pieces. */
export async function* differences(
  before: StoredState,
  after: StoredState,
  { operator, table }: { readonly operator: string | undefined; readonly table: string | undefined },
): AsyncGenerator<StateDifference> {
  const names = operator === undefined ? namesIn(before, after) : [operator]
  for (const name of names) {
    const [old, own] = [await rowsOf(before, name, table), await rowsOf(after, name, table)]
    // Neither has it, or not the piece: say so.
    if (old === undefined && own === undefined) after.operator(name)
    yield* compare(name, typeOf(after, name) ?? typeOf(before, name)!, { old: old ?? [], own: own ?? [] })
  }
}

function namesIn(...states: readonly StoredState[]): readonly string[] {
  return [
    ...new Set(
      states.flatMap(({ manifest }) =>
        manifest.operators.filter(({ kind }) => kind === 'operator').map(({ name }) => name),
      ),
    ),
  ]
}

function typeOf({ manifest }: StoredState, operator: string): string | undefined {
  return manifest.operators.find(({ name }) => name === operator)?.type
}

/** Undefined if the checkpoint has no such operator. */
async function rowsOf(
  state: StoredState,
  operator: string,
  table: string | undefined,
): Promise<readonly StateRow[] | undefined> {
  const entry = state.manifest.operators.find(({ name }) => name === operator)
  if (entry?.kind !== 'operator') return undefined
  return state.read({ operator, table, ...everything })
}

function* compare(
  operator: string,
  type: string,
  { old, own }: { readonly old: readonly StateRow[]; readonly own: readonly StateRow[] },
): Generator<StateDifference> {
  const before = new Map(old.map((row) => [placeOf(row), row]))
  const shown = (row: StateRow): unknown => stateEntry(row, type).value
  for (const row of own) {
    const place = placeOf(row)
    const was = before.get(place)
    before.delete(place)
    const { table, key, inner } = stateEntry(row, type)
    if (was === undefined) {
      yield { operator, change: 'added', table, key, inner, after: shown(row) }
    } else if (!isSame(was.value, row.value)) {
      yield { operator, change: 'changed', table, key, inner, before: shown(was), after: shown(row) }
    }
  }
  for (const row of before.values()) {
    const { table, key, inner } = stateEntry(row, type)
    yield { operator, change: 'removed', table, key, inner, before: shown(row) }
  }
}

function placeOf({ table, key, inner }: StateRow): KeyToken {
  return keyToken([table, key, inner])
}

/** Values as JSON may look alike where they are not: bytes show only how many they are. */
function isSame(a: unknown, b: unknown): boolean {
  const [some, others] = [bytesOf(a), bytesOf(b)]
  return some.length === others.length && some.every((byte, i) => byte === others[i])
}

function bytesOf(value: unknown): Uint8Array {
  const out = new ByteWriter()
  // Stored bytes of the same codec are the same value.
  const comparable = value instanceof EncodedValue ? [value.codec, value.version, value.bytes] : value
  structuredCodec<unknown>().encode(comparable, out)
  return out.written()
}
