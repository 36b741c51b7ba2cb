/**
 * The second of the two operators of a join by foreign key: joins rows of the left table with the answers of
 * `ReferenceOperator`.
 *
 * A row and the answer to it travel on different edges, so an answer may arrive before its question. Therefore
 * questions and replies are counted for each foreign key.
 *
 * True between any two calls:
 *
 *  1. The pair that `shown` returns is what the emitted changes have left for the key.
 *  2. There is a reference for the current foreign key, and for another one only while its questions and replies differ.
 */
import type { Key } from '@millrace/core'
import {
  backupByReference,
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
  type ValueState,
} from '@millrace/core/operator'
import { keyToken } from '@millrace/core/store'
import type { Answer, ForeignKey } from './reference-operator.ts'
import type { RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

/** A row of the left table with the one it refers to, if there is one. */
export interface Pair {
  readonly left: unknown
  readonly right: unknown
}

/** The newest answer about one foreign key. */
interface Reference {
  readonly foreign: Key
  readonly row: unknown
  /** How many questions have no reply yet; negative if replies came before their questions. */
  readonly open: number
}

/** A row of the left table, if there is one, and what it refers to. */
interface Referrer {
  readonly left: unknown
  /** Null: it refers to nothing. */
  readonly foreign: Key
  readonly references: readonly Reference[]
  /** The pair that is shown until there is a reply about `foreign`. */
  readonly old: Pair | undefined
}

const referrer: StateDescriptor<Referrer> = { name: 'referrer', backup: backupByReference }
const noReferrer: Referrer = { left: undefined, foreign: null, references: [], old: undefined }

/** Its inputs are the left table and answers. */
export class ForeignJoinOperator implements Operator<unknown, RowChange<Pair>> {
  readonly fingerprint: Fingerprint
  readonly #foreignKey: ForeignKey
  readonly #isOuter: boolean
  #referrer!: ValueState<Referrer>

  constructor(foreignKey: ForeignKey, kind: 'inner' | 'left') {
    this.#foreignKey = foreignKey
    this.#isOuter = kind === 'left'
    this.fingerprint = {
      pieces: [statePiece('value', referrer)],
      settings: [{ name: 'join', value: kind }],
    }
  }

  open(context: OperatorContext): void {
    this.#referrer = context.value(referrer)
  }

  process({ value, key }: StreamRecord<unknown>, out: Collector<RowChange<Pair>>, input: number): void {
    const state = this.#referrer.get() ?? noReferrer
    const before = this.#shown(state)
    const next = trimmed(
      input === 0
        ? this.#changed(state, (value as RowChange).after, before)
        : answered(state, value as Answer),
    )
    if (next.left === undefined && next.references.length === 0) this.#referrer.clear()
    else this.#referrer.set(next)
    const after = this.#shown(next)
    if (!isSameRow(before, after)) out.emit({ key: key!, before, after })
  }

  #shown({ left, foreign, references, old }: Referrer): Pair | undefined {
    if (left === undefined) return undefined
    const reference = foreign === null ? undefined : referenceOf(references, foreign)
    if (reference !== undefined && reference.open > 0) return old
    const right = reference?.row
    return right === undefined && !this.#isOuter ? undefined : { left, right }
  }

  /** The left row has changed; `shown` is the pair until now. */
  #changed(state: Referrer, left: unknown, shown: Pair | undefined): Referrer {
    const foreign = left === undefined ? null : (this.#foreignKey(left) ?? null)
    if (foreign === null) return { ...state, left, foreign, old: undefined }
    const isSame = state.left !== undefined && keyToken(state.foreign) === keyToken(foreign)
    if (isSame) return { ...state, left }
    const { row, open } = referenceOf(state.references, foreign) ?? { row: undefined, open: 0 }
    const references = withReference(state.references, { foreign, row, open: open + 1 })
    return { left, foreign, references, old: shown }
  }
}

function answered(state: Referrer, { foreign, row, isReply }: Answer): Referrer {
  const known = referenceOf(state.references, foreign)
  // News about a row that is not referred to any more.
  if (known === undefined && !isReply) return state
  const open = (known?.open ?? 0) - (isReply ? 1 : 0)
  return { ...state, references: withReference(state.references, { foreign, row, open }) }
}

/** Without what is not needed any more. */
function trimmed({ left, foreign, references, old }: Referrer): Referrer {
  const token = keyToken(foreign)
  const isCurrent = (reference: Reference): boolean =>
    left !== undefined && foreign !== null && keyToken(reference.foreign) === token
  const needed = references.filter((reference) => reference.open !== 0 || isCurrent(reference))
  const isOpen = needed.some((reference) => isCurrent(reference) && reference.open > 0)
  return { left, foreign, references: needed, old: isOpen ? old : undefined }
}

function referenceOf(references: readonly Reference[], foreign: Key): Reference | undefined {
  const token = keyToken(foreign)
  return references.find((reference) => keyToken(reference.foreign) === token)
}

function withReference(references: readonly Reference[], reference: Reference): readonly Reference[] {
  const token = keyToken(reference.foreign)
  return [...references.filter(({ foreign }) => keyToken(foreign) !== token), reference]
}
