import type { Random } from '@millrace/world'
import { MillraceError } from '@millrace/core'

/** Options of `hotKeys`. */
export interface HotKeysOptions {
  /** Number of keys. */
  readonly keys: number
  /** Number of hot keys. */
  readonly hot: number
  /** Share of all records for the hot keys, from 0 to 1. */
  readonly share: number
}

/**
 * Returns a function that draws keys, a few of which get most of the records, as customers, cards and devices
 * do.
 *
 * The function returns a key from 0 to `keys - 1`; the hot ones are the first `hot`. Throws `OPTION_INVALID`
 * for invalid numbers.
 *
 * @example
 * const card = generator.hotKeys({ keys: 100_000, hot: 10, share: 0.8 })
 * generator.generate({ seed: 7, make: ({ random }) => ({ card: `card-${card(random)}` }) })
 */
export function hotKeys({ keys, hot, share }: HotKeysOptions): (random: Random) => number {
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
  if (!isCount(keys) || !isCount(hot) || hot > keys || !(share >= 0 && share <= 1)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `hotKeys({ keys: ${keys}, hot: ${hot}, share: ${share} }): use integers with 1 <= hot <= keys and a ` +
        'share from 0 to 1',
    )
  }
  const cold = keys - hot
  return (random) => (cold === 0 || random.next() < share ? random.int(hot) : hot + random.int(cold))
}
