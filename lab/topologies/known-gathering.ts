/**
 * The expected output of a drawn `process` that depends on the clock: which figures, not when or in which
 * groups.
 */
import type { Gathered } from './gathering.ts'
import { figureOf, passes } from './item.ts'
import { textOf, type Group, type KnownRecord, type KnownStream } from './known-stream.ts'
import type { PartOf } from './topology.ts'

/** The figures to be emitted, each once. */
export interface KnownFigures {
  /** Each with its key. */
  readonly texts: readonly string[]
  /** Whether the end of the input emits the last of them; if not, they may remain. */
  readonly isAll: boolean
}

/** The figures of records by key. */
export function figuresOf(groups: readonly Group[], isTimed: boolean): KnownFigures {
  const texts = groups.flatMap(({ key, records }) =>
    records.map(({ value }) => figureText(key, figureOf(value))),
  )
  return { texts, isAll: isTimed }
}

/** The figures in the output. */
export function figuresIn(values: readonly unknown[]): readonly string[] {
  return (values as readonly Gathered[]).flatMap(({ key, value }) =>
    value.map((figure) => figureText(key, figure)),
  )
}

/** The records of the side output: the record alone decides. */
export function gatheringSideOf({ name, program }: PartOf<'process'>, groups: readonly Group[]): KnownStream {
  const { side } = program
  const isWanted = ({ value }: KnownRecord): boolean => side !== undefined && passes(side, value)
  return groups.flatMap(({ token, records, isOrdered }) =>
    records
      .filter(isWanted)
      .map((record, index) => ({ ...record, line: `${name} ${token}${isOrdered ? '' : ` ${index}`}` })),
  )
}

function figureText(key: Gathered['key'], figure: number): string {
  return `${textOf(key)}: ${figure}`
}
