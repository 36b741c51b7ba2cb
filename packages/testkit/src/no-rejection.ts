/**
 * For tests that write to a sink by hand: a record that the sink cannot write fails the test.
 *
 * @example
 * await writer.write(batch, noRejection)
 */
export function noRejection(_index: number, error: unknown): never {
  throw error
}
