import { MillraceError } from '@millrace/core'

/** How many letters are redriven in a time. */
export interface RedriveRate {
  readonly letters: number
  readonly perMs: number
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/**
 * Reads a rate such as `100/s`, `50/m` or `10/h`. Throws `OPTION_INVALID`.
 *
 * @example
 * redriveRate('100/s') // => { letters: 100, perMs: 1000 }
 */
export function redriveRate(text: string): RedriveRate {
  const [, count, unit] = /^([1-9]\d{0,8})\/([smh])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `--rate is ${text}. Give a number and a time, such as 100/s or 50/m`,
    )
  }
  return { letters: Number(count), perMs: unitMs[unit]! }
}

/** The shortest time between two turns, in milliseconds: that in which a running job looks for letters. */
const leastTurnMs = 1_000

/** How many letters are queued at a time, and the pause after them, so that a job reads no more than the rate. */
export function turnsOf({ letters, perMs }: RedriveRate): {
  readonly size: number
  readonly everyMs: number
} {
  const everyMs = Math.max(leastTurnMs, perMs / letters)
  return { size: Math.max(1, Math.floor((letters * everyMs) / perMs)), everyMs }
}
