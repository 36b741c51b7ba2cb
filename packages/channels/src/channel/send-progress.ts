/**
 * The progress of a `sendMany`. Start with 0; however the send ends, this many of its values were accepted.
 *
 * @example
 * const progress = { sent: 0 }
 * try {
 *   await jobs.sendMany(batch, signal, progress)
 * } catch (error) {
 *   these were not sent, and never will be
 *   throw error
 * }
 */
export interface SendProgress {
  /** How many values the buffer or receivers have accepted: always the first ones. */
  sent: number
}
