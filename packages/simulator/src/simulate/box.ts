/**
 * A value on its way through a simulated pipeline, and its line.
 *
 * Records of one line must arrive in order: those of one split, and from a keyed operator on those of one key. User
 * code never sees a box. It is a plain object, because records in flight are saved and restored.
 */
export interface Box {
  /** Names the line; null where order means nothing. */
  readonly '#line': string | null
  readonly value: unknown
}

/** Puts a value into a box. */
export function boxed(line: string | null, value: unknown): Box {
  return { '#line': line, value }
}

function isBox(value: unknown): value is Box {
  return typeof value === 'object' && value !== null && '#line' in value
}

/** Returns the value in a box. Values that the engine made itself, such as dead letters, have no box. */
export function unboxed(value: unknown): unknown {
  return isBox(value) ? value.value : value
}

/** The line of a value. */
export function lineOf(value: unknown): string | null {
  return isBox(value) ? value['#line'] : null
}
