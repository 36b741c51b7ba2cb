/**
 * The first of the two operators of a join by foreign key.
 *
 * Rows of the left table are stored under their own key, those of the right table under the foreign key. So a row of
 * the left table asks for the row that it refers to, and `ForeignJoinOperator`, by the left key, joins it with the
 * answer. All changes of a row of the result come from there, so they are in order.
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
import { keyToken, tokenKey, type StateTable } from '@millrace/core/store'
import type { RowChange } from './row-change.ts'

/** The foreign key of a row; null or undefined if it refers to no row. */
export type ForeignKey = (row: unknown) => Key | undefined

/** A row of the left table begins or ends to refer to a row of the right one. */
export interface Question {
  readonly foreign: Key
  readonly key: Key
  readonly isAsked: boolean
}

/** The row that a row of the left table refers to. */
export interface Answer {
  readonly key: Key
  readonly foreign: Key
  readonly row: unknown
  /** Whether it is the one answer to a question. */
  readonly isReply: boolean
}

/** What a change of the left table asks. */
export function questionsOf(foreignKey: ForeignKey): (change: unknown) => readonly Question[] {
  const of = (row: unknown): Key => (row === undefined ? null : (foreignKey(row) ?? null))
  return (change) => {
    const { key, before, after } = change as RowChange
    const [old, now] = [of(before), of(after)]
    if (keyToken(old) === keyToken(now)) return []
    const ended: Question = { foreign: old, key, isAsked: false }
    const begun: Question = { foreign: now, key, isAsked: true }
    return [...(old === null ? [] : [ended]), ...(now === null ? [] : [begun])]
  }
}

const referring: StateDescriptor<true> = { name: 'referring' }
const referred: StateDescriptor<{ readonly row: unknown }> = { name: 'referred', backup: backupByReference }

/**
 * Answers with the row of a foreign key: each question once, and all that are open again when the row changes. Its
 * inputs are questions and the right table.
 */
export class ReferenceOperator implements Operator<unknown, Answer> {
  static readonly fingerprint: Fingerprint = {
    pieces: [statePiece('rows', referring), statePiece('value', referred)],
    settings: [],
  }
  #context!: OperatorContext
  /** By foreign key and key of the left row. */
  #referring!: StateTable<true>
  #referred!: ValueState<{ readonly row: unknown }>

  open(context: OperatorContext): void {
    this.#context = context
    this.#referring = context.table(referring)
    this.#referred = context.value(referred)
  }

  process({ value, key }: StreamRecord<unknown>, out: Collector<Answer>, input: number): void {
    if (input === 0) this.#ask(value as Question, out)
    else this.#change(key!, value as RowChange, out)
  }

  #ask({ foreign, key, isAsked }: Question, out: Collector<Answer>): void {
    const token = this.#context.keyToken()
    const cell = this.#referring.find(token, keyToken(key))
    if (!isAsked) {
      if (cell !== undefined) this.#referring.delete(cell)
      return
    }
    if (cell === undefined) {
      this.#referring.create(token, keyToken(key), this.#context.keyGroup(), true)
    }
    out.emit({ key, foreign, row: this.#referred.get()?.row, isReply: true })
  }

  #change(foreign: Key, { after }: RowChange, out: Collector<Answer>): void {
    if (after === undefined) this.#referred.clear()
    else this.#referred.set({ row: after })
    for (const { inner } of this.#referring.cells(this.#context.keyToken())) {
      out.emit({ key: tokenKey(inner), foreign, row: after, isReply: false })
    }
  }
}
