import type { Clock, Random } from '@millrace/world'
import { isMillraceError } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import type { FaultKind } from './fault.ts'

/** After this many failed writes there is space again; otherwise a job with many restarts would never end. */
const refusalsMax = 10

/** The disk of one run, over all lives of the process, with the injected faults. */
export class SpoiledDisk {
  readonly #directory: string
  readonly #happened: (kind: FaultKind, what: string) => void
  #fs: SimFs
  #isDamaged = false
  #hasTakenParts = false
  #refusals = 0

  constructor(clock: Clock, directory: string, happened: (kind: FaultKind, what: string) => void) {
    this.#directory = directory
    this.#happened = happened
    this.#fs = new SimFs({ clock })
  }

  /** The current file system; a power loss replaces it. */
  get fs(): SimFs {
    return this.#fs
  }

  /** Whether written data was damaged. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** Injects a fault into the disk. Returns false if `kind` is not about disks. */
  spoil(kind: FaultKind, random: Random): boolean {
    switch (kind) {
      case 'bitFlip':
        this.#flipBit(random)
        return true
      case 'shortWrites':
        this.#hasTakenParts = false
        this.#fs.writeBytesMax = 1 + random.int(64)
        return true
      case 'diskError':
        this.#fs.failAt(this.#fs.operations + 1 + random.int(3))
        return true
      case 'syncError':
        this.#fs.failNext(random.int(2) === 0 ? 'sync' : 'syncDirectory')
        return true
      case 'diskFull':
        this.#fs.capacityBytes = this.#usedBytes() + random.int(400)
        this.#refusals = 0
        return true
      default:
        return false
    }
  }

  /** Loses data that was not synced, completely or in part. */
  losePower(random: Random): void {
    this.#fs = random.int(3) === 0 ? this.#fs.afterPowerLoss() : this.#fs.afterPowerLoss(random)
  }

  /** Called when an operation has failed; reports it if the fault was injected. */
  failed(what: string, error: unknown): void {
    if (isMillraceError(error, 'FS_SYNC_FAILED')) this.#happened('syncError', what)
    else if (isMillraceError(error, 'FS_FULL')) this.#refused(what)
    else if (isMillraceError(error, 'FS_IO')) this.#happened('diskError', what)
  }

  /** Called when a write was short. */
  tookPart(what: string): void {
    if (!this.#hasTakenParts) this.#happened('shortWrites', what)
    this.#hasTakenParts = true
  }

  #refused(what: string): void {
    this.#happened('diskFull', what)
    if (++this.#refusals >= refusalsMax) this.#fs.capacityBytes = Infinity
  }

  /** Whether there is a file in which a bit can be flipped. */
  get hasContent(): boolean {
    return this.#files().length > 0
  }

  /** Returns the files with content in the data directory, without those of its lock: damage to these stops no job. */
  #files(): readonly string[] {
    return this.#fs
      .paths()
      .filter((path) => path.startsWith(`/${this.#directory}/`) && !path.includes('/owner/'))
      .filter((path) => this.#fs.peek(path)!.length > 0)
  }

  #flipBit(random: Random): void {
    const files = this.#files()
    // Whatever is kept is hit as often, however many files it takes.
    const directories = [...new Set(files.map(directoryOf))]
    const directory = directories[random.int(Math.max(directories.length, 1))]
    const beside = files.filter((file) => directoryOf(file) === directory)
    const path = beside[random.int(Math.max(beside.length, 1))]
    if (path === undefined) return
    const offset = random.int(this.#fs.peek(path)!.length)
    this.#fs.corrupt(path, offset, 1 << random.int(8))
    this.#isDamaged = true
    this.#happened('bitFlip', `in byte ${offset} of ${path}`)
  }

  #usedBytes(): number {
    let used = 0
    for (const path of this.#fs.paths()) used += this.#fs.peek(path)!.length
    return used
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
