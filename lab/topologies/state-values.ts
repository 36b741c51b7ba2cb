/** What drawn state is made of: the same code for the engine and for the oracle. */

/** The entry of an ordered map in which a figure is counted. */
export function placeOf(figure: number): number {
  return figure % 40
}

/** The part of an ordered map that a record reads. */
export function rangeOf(figure: number): { readonly from: number; readonly to: number } {
  const from = placeOf(figure) - 6
  return { from, to: from + 12 }
}

/** The part of an ordered map that a record deletes. */
export function deletedBy(figure: number): { readonly from?: number; readonly to?: number } | undefined {
  if (figure % 5 === 0) return { to: 12 }
  return figure % 11 === 0 ? { from: 30 } : undefined
}

/** Whether a record deletes what has been gathered, or the version of its time. */
export function clears(figure: number): boolean {
  return figure % 6 === 0
}

/** Whether the write of a record says how long its value lives. */
export function livesForItself(figure: number): boolean {
  return figure % 3 === 0
}

/** The entry of a map that expires. */
export function entryOf(figure: number): number {
  return figure % 4
}
