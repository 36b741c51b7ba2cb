import { earlierMax, fingerprint, fingerprintBytes, type FirstBytes } from './position.ts'

/** How many logs, and files of one log, are remembered. */
const logsMax = 4096
const filesMax = 16

/** A log, by the path that it has while it is written. */
interface Log {
  /** When it was last written to, as it was last seen under its path. */
  modifiedMs: number
  /** The files that have been the log, and how each begins. */
  readonly files: Map<string, FirstBytes>
  /** What these files held before they were cut, and what is known from a checkpoint; the newest first. */
  readonly earlier: FirstBytes[]
}

/**
 * What has been seen of logs by this process, and by those before it as far as positions tell. It tells an old file that
 * holds what was read from one that was never seen.
 */
export class LogHistory {
  readonly #logs = new Map<string, Log>()

  /** A file is, or was, the log at `path`; `modifiedMs` unless it has been renamed. */
  see(path: string, identity: string, first: FirstBytes, modifiedMs: number | undefined): void {
    const log = this.#log(path)
    if (modifiedMs !== undefined) log.modifiedMs = Math.max(log.modifiedMs, modifiedMs)
    log.files.delete(identity)
    log.files.set(identity, first)
    trim(log.files, filesMax)
  }

  /** The file no longer holds what it held. */
  cut(path: string, identity: string, first: FirstBytes): void {
    this.#log(path).files.delete(identity)
    this.learn(path, [first])
  }

  /** What the log at `path` held before, the newest first. */
  learn(path: string, earlier: readonly FirstBytes[]): void {
    const log = this.#log(path)
    const fresh = earlier.filter(
      ({ length, check }) =>
        length > 0 && !log.earlier.some((each) => each.length === length && each.check === check),
    )
    log.earlier.unshift(...fresh)
    log.earlier.splice(filesMax)
  }

  /** Whether a file is known to be, or to have been, a log. */
  knows(identity: string): boolean {
    return [...this.#logs.values()].some(({ files }) => files.has(identity))
  }

  /** Whether a log is known to have held content that begins with `first`, or is no more than that. */
  hasHeld(first: Uint8Array): boolean {
    const checks = new Map<number, number>()
    const isKnown = ({ length, check }: FirstBytes): boolean => {
      // Fewer bytes than tell one content from another must be all there is.
      const isEnough = length >= fingerprintBytes || (length === first.length && length > 0)
      if (!isEnough || length > first.length) return false
      if (!checks.has(length)) checks.set(length, fingerprint(first.subarray(0, length)))
      return checks.get(length) === check
    }
    return [...this.#logs.values()].some(
      ({ files, earlier }) => [...files.values()].some(isKnown) || earlier.some(isKnown),
    )
  }

  /** When the log at `path` was last written to, as far as was seen; undefined if no file had the path. */
  modifiedMs(path: string): number | undefined {
    return this.#logs.get(path)?.modifiedMs
  }

  /** What a position says of the contents before the one of `identity`. */
  earlier(path: string, identity: string): readonly FirstBytes[] {
    const log = this.#logs.get(path)
    if (log === undefined) return []
    const files = [...log.files].filter(([each, { length }]) => each !== identity && length > 0)
    const beginnings = files.map(([, first]) => first).reverse()
    return [...beginnings, ...log.earlier].slice(0, earlierMax)
  }

  #log(path: string): Log {
    const found = this.#logs.get(path)
    if (found !== undefined) return found
    const log = { modifiedMs: -Infinity, files: new Map<string, FirstBytes>(), earlier: [] }
    this.#logs.set(path, log)
    trim(this.#logs, logsMax)
    return log
  }
}

/** Forgets the oldest. */
function trim(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
