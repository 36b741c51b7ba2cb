/** The chapters of the two checklists. */

/** A chapter of numbered statements, with its first and last number. */
export type Chapter = readonly [title: string, first: number, last: number]

/** Chapters of the engine's statements. */
export const enginesChapters: readonly Chapter[] = [
  ['tumbling, sliding, count and global windows', 1, 28],
  ['session windows', 29, 45],
  ['late data, lateness, accumulation', 46, 63],
  ['triggers and evictors', 64, 75],
  ['watermarks', 76, 99],
  ['timers', 100, 113],
  ['joins', 114, 133],
  ['changelog, dedup, top-n', 134, 148],
  ['patterns', 149, 172],
  ['state and expiry', 173, 190],
  ['checkpoints', 191, 214],
  ['sinks and two-phase commit', 215, 230],
  ['rescale and key groups', 231, 238],
  ['sources, time across splits, errors, stop', 239, 252],
]

/** Chapters of the statements about Go's channels, contexts, groups and timers. */
export const gosChapters: readonly Chapter[] = [
  ['making, length, capacity', 1, 7],
  ['waiting and not waiting', 8, 19],
  ['order', 20, 26],
  ['close', 27, 38],
  ['select', 39, 61],
  ['programs as tests', 62, 68],
  ['types and run time', 69, 76],
  ['wait group, once, mutex, condition, semaphore', 77, 97],
  ['group with errors', 98, 106],
  ['context', 107, 146],
  ['time', 147, 165],
  ['test bubble', 166, 172],
]
