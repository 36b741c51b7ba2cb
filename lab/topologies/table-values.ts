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

/** Whether a row stays in a table of which others are left out. */
export function isKept(figure: number): boolean {
  return figure % 3 > 0
}

/** How many rows of a group come out. */
export function mostOf(group: number): number {
  return group + 1
}

/** What is counted of a window, each value once. */
export function sortOf(figure: number): number {
  return figure % 7
}

/** How many of the greatest figures of a window come out. */
export const bestOf = 3

/** The result of a window: how many different sorts of figures it has, and its greatest figures. */
export function summaryFigure(sorts: number, best: readonly number[]): number {
  return foldOf([sorts, ...best])
}
