/** The functions of drawn tables: the same code for the engine and for the oracle. */
import { foldOf } from './item.ts'

/** Longer than any input. */
export const longLifeMs = 1e13

/** Whether an item with this figure deletes the row of its key. */
export function isDeleted(figure: number): boolean {
  return figure % 7 === 0
}

/** The group of a row. */
export function groupOf(figure: number): number {
  return figure % 3
}

/** The key of the row that a row refers to; undefined for none. */
export function referenceOf(figure: number): number | undefined {
  return figure % 6 === 5 ? undefined : figure % 6
}

/** The key of a row that others refer to. */
export function referredOf(figure: number): number {
  return figure % 5
}

/** The result of a record, and of whether there is a row for its key. */
export function enrichedFigure(figure: number, hasRow: boolean): number {
  return foldOf([figure, hasRow ? 1 : 0])
}

/** The result of two rows, of which one may be missing. */
export function pairFigure(left: number | undefined, right: number | undefined): number {
  return foldOf([left ?? -1, right ?? -1])
}
