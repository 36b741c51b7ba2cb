import type { Random } from '@millrace/world'

/**
 * Runs `code` with simulated time and randomness that differ between two runs, so that code that depends on them is
 * detected.
 */
export function inStrangeWorld<T>(random: Random, code: () => T): T {
  const { Date: RealDate, performance } = globalThis
  const { random: realChance } = Math
  const realNow = performance.now.bind(performance)
  const now = (): number => 1_000_000_000_000 + random.int(1_000_000_000_000)
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: []) => Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
    apply: (target) => new target(now()).toString(),
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  })
  Math.random = () => random.next()
  performance.now = () => random.int(1_000_000_000)
  try {
    return code()
  } finally {
    globalThis.Date = RealDate
    Math.random = realChance
    performance.now = realNow
  }
}
