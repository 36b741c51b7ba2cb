import { reading } from './input.ts'

/** The expected output, computed by plain code from the input: how often each line occurs. */
export function expected(total: number): Map<string, number> {
  const windows = new Map<string, { n: number; total: number }>()
  const minutes = new Map<string, number>()
  const lines = new Map<string, number>()
  for (let id = 0; id < total; id++) {
    const { key, at, amount } = reading(id)
    for (let start = Math.floor(at / 5_000) * 5_000; start > at - 20_000; start -= 5_000) {
      const name = `${key} ${start}`
      const window = windows.get(name) ?? { n: 0, total: 0 }
      windows.set(name, { n: window.n + 1, total: window.total + amount })
    }
    const until = `${key} ${Math.floor(at / 60_000) * 60_000 + 60_000}`
    minutes.set(until, (minutes.get(until) ?? 0) + 1)
    lines.set(JSON.stringify({ id, doubled: amount * 2 }), 1)
  }
  for (const [name, { n, total: sum }] of windows) {
    const [key, start] = name.split(' ')
    const window = { start: Number(start), end: Number(start) + 20_000 }
    lines.set(JSON.stringify({ key, window, n, total: sum }), 1)
  }
  for (const [name, n] of minutes) {
    const [key, until] = name.split(' ')
    lines.set(JSON.stringify({ key, until: Number(until), n }), 1)
  }
  return lines
}

/** Lines that occur too often or should not exist. */
export interface Verdict {
  readonly lines: number
  readonly lost: number
  /** Lines that came more often than they should, or that should not have come at all. */
  readonly double: number
  readonly samples: readonly string[]
}

export function compare(should: ReadonlyMap<string, number>, written: Iterable<string>): Verdict {
  const seen = new Map<string, number>()
  let lines = 0
  for (const line of written) {
    seen.set(line, (seen.get(line) ?? 0) + 1)
    lines++
  }
  let lost = 0
  let double = 0
  const samples: string[] = []
  const note = (what: string, line: string): void => {
    if (samples.length < 10) samples.push(`${what}: ${line}`)
  }
  for (const [line, times] of should) {
    const difference = times - (seen.get(line) ?? 0)
    if (difference > 0) {
      lost += difference
      note('lost', line)
    }
  }
  for (const [line, times] of seen) {
    const difference = times - (should.get(line) ?? 0)
    if (difference > 0) {
      double += difference
      note('double', line)
    }
  }
  return { lines, lost, double, samples }
}
