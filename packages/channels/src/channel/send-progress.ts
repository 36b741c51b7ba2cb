/**
 * How far a `sendMany` has come. Start with 0; whatever ends the send early, this many of its values were taken.
 *
 * @example
 * const progress = { sent: 0 }
 * try {
 *   await jobs.sendMany(batch, signal, progress)
 * } catch (error) {
 *   keep(batch.slice(progress.sent)) // these have not been sent, and never will be
 *   throw error
 * }
 */
export interface SendProgress {
  /** How many values the buffer or receivers have taken: always the first so many. */
  sent: number
}
