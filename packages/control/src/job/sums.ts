/** The sum over a list. */
export function sumOf<T>(list: readonly T[], of: (each: T) => number): number {
  let sum = 0
  for (const each of list) sum += of(each)
  return sum
}

/** The sum of what is known; null if nothing is. */
export function sumOfKnown<T>(list: readonly T[], of: (each: T) => number | undefined): number | null {
  let sum: number | null = null
  for (const each of list) {
    const value = of(each)
    if (value !== undefined) sum = (sum ?? 0) + value
  }
  return sum
}

/** The least of what is known; null if nothing is. */
export function leastKnown<T>(list: readonly T[], of: (each: T) => number | null): number | null {
  let least: number | null = null
  for (const each of list) {
    const value = of(each)
    if (value !== null && (least === null || value < least)) least = value
  }
  return least
}

/** The beginning and the end of event time have no number in JSON: null. */
export function epochTime(time: number): number | null {
  return Number.isFinite(time) && Math.abs(time) < furthest ? time : null
}

/** Times of dates in JavaScript are nearer than this. */
const furthest = 8.64e15

/** How far a watermark is behind the clock; never negative. */
export function lagOf(watermark: number | null, now: number): number | null {
  return watermark === null ? null : Math.max(0, now - watermark)
}
