import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** The resources of a process at one moment, in bytes; number of open files. */
interface Sample {
  readonly heap: number
  readonly resident: number
  readonly openFiles: number
}

/** The tolerated deviation from the middle, or rise, of memory that counts as flat. */
const tolerance = 0.05

/** Measures the resources of this process. Needs `--expose-gc`, so that garbage does not count. */
export class Footprint {
  readonly #samples: Sample[] = []
  readonly #passingBytes: number

  /** `passingBytes`: tolerated deviation of the heap for temporary buffers. */
  constructor(passingBytes = 0) {
    this.#passingBytes = passingBytes
  }

  sample(): void {
    globalThis.gc!()
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    this.#samples.push({ heap: heapUsed + arrayBuffers, resident: rss, openFiles: openFiles() })
  }

  /** The measurements that were not flat, as text. */
  growth(): readonly string[] {
    const found: string[] = []
    const heaps = this.#samples.map(({ heap }) => heap)
    const [smallest, largest] = range(heaps)
    if (largest - smallest > 2 * this.#passingBytes && spread(heaps) > tolerance)
      found.push(`the heap varied by ${percent(spread(heaps))}`)
    const drift = driftOf(this.#samples.map(({ resident }) => resident))
    // V8 releases memory at its own pace: a decrease is fine.
    if (drift > tolerance) found.push(`resident memory rose by ${percent(drift)}`)
    const [least, most] = range(this.#samples.map(({ openFiles: files }) => files))
    // A segment or a manifest may be open at one moment and closed at another.
    if (most - least > 3) found.push(`open files went from ${least} to ${most}`)
    return found
  }

  /** The measurements, as text. */
  summary(): string {
    const heaps = this.#samples.map(({ heap }) => heap)
    const residents = this.#samples.map(({ resident }) => resident)
    const [least, most] = range(this.#samples.map(({ openFiles: files }) => files))
    return [
      `${this.#samples.length} samples`,
      `heap after gc ${megabytes(heaps.at(-1)!)} ± ${percent(spread(heaps))}`,
      `resident ${megabytes(residents.at(-1)!)}, drift ${percent(driftOf(residents))}`,
      `open files ${least} to ${most}`,
    ].join(', ')
  }
}

/** Lets garbage go that is from before: one collection does not find it all. Takes a fifth of the time. */
export async function settle(ms: number): Promise<void> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc!()
    await pause(ms / 20)
  }
}

/** Measures for a time. `passingBytes`: as of `Footprint`; V8 discards unused code, a significant part of a small heap. */
export async function watch(ms: number, everyMs: number, passingBytes: number): Promise<Footprint> {
  const footprint = new Footprint(passingBytes)
  const until = performance.now() + ms
  while (performance.now() < until) {
    await pause(everyMs)
    footprint.sample()
  }
  return footprint
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** Number of bytes in the files below a directory. A file deleted meanwhile counts as empty. */
export function diskBytes(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const stat = statSync(path.join(directory, name), { throwIfNoEntry: false })
    if (stat?.isFile() === true) bytes += stat.size
  }
  return bytes
}

/** Zero if the system does not report it. */
function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

/** The largest deviation from the middle, relative to it. */
function spread(values: readonly number[]): number {
  const [least, most] = range(values)
  return (most - least) / (most + least)
}

/** The rise of a fitted line from the first to the last value, relative to the mean. */
function driftOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const slope = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0)
  const weight = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0)
  return ((slope / weight) * (values.length - 1)) / mean
}

function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}
