import { earlierMax, fingerprint, fingerprintBytes, type FirstBytes } from './position.ts'

/** How many logs, and files of one log, are remembered. */
const logsMax = 4096
const filesMax = 16

/** A log, identified by its path. */
interface Log {
  /** When it was last modified, as last seen under its path. */
  modifiedMs: number
  /** The files that have been the log, and the first bytes of each. */
  readonly files: Map<string, FirstBytes>
  /** Contents of these files before a truncation, and contents known from a checkpoint; newest first. */
  readonly earlier: FirstBytes[]
}

/**
 * What this process has seen of logs, and earlier processes as far as positions tell. It distinguishes an old
 * file with known content from one that was never seen.
 */
export class LogHistory {
  readonly #logs = new Map<string, Log>()

  /** Records that a file is, or was, the log at `path`; `modifiedMs` unless it has been renamed. */
  see(path: string, identity: string, first: FirstBytes, modifiedMs: number | undefined): void {
    const log = this.#log(path)
    if (modifiedMs !== undefined) log.modifiedMs = Math.max(log.modifiedMs, modifiedMs)
    log.files.delete(identity)
    log.files.set(identity, first)
    trim(log.files, filesMax)
  }

  /** Records that the file no longer has its earlier content. */
  cut(path: string, identity: string, first: FirstBytes): void {
    this.#log(path).files.delete(identity)
    this.learn(path, [first])
  }

  /** Earlier contents of the log at `path`, newest first. */
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

  /** Whether a log is known to have had content that begins with `first`, or that is a beginning of it. */
  hasHeld(first: Uint8Array): boolean {
    const checks = new Map<number, number>()
    const isKnown = ({ length, check }: FirstBytes): boolean => {
      // Too few bytes to distinguish contents: they must be the whole content.
      const isEnough = length >= fingerprintBytes || (length === first.length && length > 0)
      if (!isEnough || length > first.length) return false
      if (!checks.has(length)) checks.set(length, fingerprint(first.subarray(0, length)))
      return checks.get(length) === check
    }
    return [...this.#logs.values()].some(
      ({ files, earlier }) => [...files.values()].some(isKnown) || earlier.some(isKnown),
    )
  }

  /** When the log at `path` was last modified, as last seen; undefined if no file had the path. */
  modifiedMs(path: string): number | undefined {
    return this.#logs.get(path)?.modifiedMs
  }

  /** What a position contains about the contents before that of `identity`. */
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

/** Removes the oldest entry. */
function trim(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
