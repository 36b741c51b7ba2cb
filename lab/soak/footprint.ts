import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** What a process holds at one moment, in bytes; files by number. */
interface Sample {
  readonly heap: number
  readonly resident: number
  readonly openFiles: number
}

/** How far memory may be from its middle, or rise, and still count as flat. */
const tolerance = 0.05

/** Watches what this process holds. Needs `--expose-gc`, so that garbage does not count as held. */
export class Footprint {
  readonly #samples: Sample[] = []
  readonly #passingBytes: number

  /** `passingBytes`: how far the heap may be from its middle because of buffers that come and go. */
  constructor(passingBytes = 0) {
    this.#passingBytes = passingBytes
  }

  sample(): void {
    globalThis.gc!()
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    this.#samples.push({ heap: heapUsed + arrayBuffers, resident: rss, openFiles: openFiles() })
  }

  /** What was not flat, in words. */
  growth(): readonly string[] {
    const found: string[] = []
    const heaps = this.#samples.map(({ heap }) => heap)
    const [smallest, largest] = range(heaps)
    if (largest - smallest > 2 * this.#passingBytes && spread(heaps) > tolerance)
      found.push(`the heap varied by ${percent(spread(heaps))}`)
    const drift = driftOf(this.#samples.map(({ resident }) => resident))
    // V8 gives memory back when it pleases: less is fine.
    if (drift > tolerance) found.push(`resident memory rose by ${percent(drift)}`)
    const [least, most] = range(this.#samples.map(({ openFiles: files }) => files))
    // A segment or a manifest may be open at one moment and not at another.
    if (most - least > 3) found.push(`open files went from ${least} to ${most}`)
    return found
  }

  /** What there is, in figures. */
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

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** How many bytes the files below a directory have. A file that goes while they are counted has none. */
export function diskBytes(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const stat = statSync(path.join(directory, name), { throwIfNoEntry: false })
    if (stat?.isFile() === true) bytes += stat.size
  }
  return bytes
}

/** Zero where the system does not tell. */
function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

/** The largest distance from the middle, as a share of it. */
function spread(values: readonly number[]): number {
  const [least, most] = range(values)
  return (most - least) / (most + least)
}

/** How much a straight line through the values rises from the first to the last, as a share of their mean. */
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
