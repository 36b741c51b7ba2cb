/**
 * Crashes the job at every operation that changes the disk, and checks the recovery.
 *
 * Each crash is tried before, during and after the operation. Several disks are tried for each crash: with
 * all data, as when a process is killed; with synced data only, as in the worst power loss; and with a random
 * part of the rest. From each of these disks the job must recover by itself.
 */
import { createHash } from 'node:crypto'
import { seededRandom } from '@millrace/world'
import { SimFs, type CrashStyle } from '@millrace/testkit'
import { BrokenPromise } from './broken-promise.ts'
import { hasOpenSinks, live, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'
import { putReadings } from './readings.ts'
import { recover, requireCalm, requireFinished } from './recovery.ts'

/** Options: how thoroughly to test. */
export interface CrashOptions extends Omit<LifeOptions, 'onEvent' | 'restart'> {
  /**
   * How many random outcomes are tried for each crash, besides losing nothing and losing everything unsynced.
   */
  readonly chances: number
  /** The maximum number of bytes that one write accepts. */
  readonly writeBytesMax?: number
  /** Number of subtasks after a restart. Default: as before. */
  readonly parallelismAfter?: number
  /** Whether to skip disks that equal a tried one byte for byte. */
  readonly skipsKnownDisks: boolean
  /** The number of failures after which the run stops. */
  readonly failuresMax?: number
}

/** The cases that were tried and their outcomes. */
export interface CrashReport {
  operations: number
  outcomes: number
  /** Number of different disks on which the job was started. */
  disks: number
  readonly failures: string[]
}

/** The start of a run: a disk, and a reader that has seen its output before. */
export interface Beginning {
  readonly reader: OutputReader
  /** Creates the disk, the same each time. */
  readonly disk: () => SimFs
}

/** A disk on which the job has never run. */
export function emptyBeginning({ seed = 1, writeBytesMax }: Partial<CrashOptions> = {}): Beginning {
  return {
    reader: OutputReader.new(),
    disk: () => {
      const fs = new SimFs({ random: seededRandom(seed) })
      if (writeBytesMax !== undefined) fs.writeBytesMax = writeBytesMax
      putReadings(fs)
      return fs
    },
  }
}

/** One way for the first run to end, and the disk it leaves. */
interface Outcome {
  readonly name: string
  readonly fs: SimFs
  readonly isPowerLoss: boolean
}

/** Chooses among the operations of a run, whose log is given line by line. Operations count from 1. */
export type Choice = (lines: readonly string[]) => Iterable<number>

const everyOne: Choice = (lines) => lines.map((_, index) => index + 1)

const styles: readonly CrashStyle[] = ['before', 'during', 'after']

export class CrashPoints {
  readonly report: CrashReport = { operations: 0, outcomes: 0, disks: 0, failures: [] }
  readonly #options: CrashOptions
  /** By digest of a disk: what a reader sees on it once the job is running again, or the failure. */
  readonly #known = new Map<string, Promise<OutputReader>>()

  constructor(options: CrashOptions) {
    this.#options = options
  }

  /** Whether the limit of failures is reached. */
  get isOver(): boolean {
    return this.report.failures.length >= (this.#options.failuresMax ?? 5)
  }

  /** Crashes a run at every operation, or at those that `choose` selects. */
  async everywhere(beginning: Beginning, choose: Choice = everyOne): Promise<void> {
    const lines = await this.calmLife(beginning)
    for (const operation of choose(lines)) {
      if (this.isOver) return
      this.report.operations++
      for (const style of styles) await this.#crash(beginning, operation, style, lines[operation - 1]!)
    }
  }

  /** Runs without a crash; returns the operations, one line each. */
  async calmLife({ reader, disk }: Beginning): Promise<readonly string[]> {
    const fs = disk()
    const seen = reader.clone()
    const life = await live(fs, seen, this.#options)
    requireCalm(life)
    requireFinished(fs, seen)
    return linesOf(fs).slice(0, fs.operations)
  }

  /** The start after a run that was killed right after an operation; nothing is lost. */
  async afterKillAt(beginning: Beginning, operation: number): Promise<Beginning> {
    const { fs, reader } = await this.#crashedLife(beginning, operation, 'after')
    return { reader, disk: () => fs.afterKill() }
  }

  async #crash(beginning: Beginning, operation: number, style: CrashStyle, line: string): Promise<void> {
    const where = `life ${beginning.disk().life}, crash ${style} operation ${operation} (${line})`
    let fs: SimFs | undefined
    try {
      const crashed = await this.#crashedLife(beginning, operation, style)
      fs = crashed.fs
      for (const outcome of this.#outcomes(fs)) {
        this.report.outcomes++
        await this.#judge(crashed.reader, outcome).catch((error: unknown) =>
          this.#note(error, `${where}, ${outcome.name}`, outcome.fs),
        )
      }
    } catch (error) {
      this.#note(error, where, fs)
    }
  }

  async #crashedLife(
    beginning: Beginning,
    operation: number,
    style: CrashStyle,
  ): Promise<{ readonly fs: SimFs; readonly reader: OutputReader }> {
    const fs = beginning.disk()
    const reader = beginning.reader.clone()
    fs.crashAt(operation, style)
    const { events } = await live(fs, reader, this.#options)
    if (!fs.hasCrashed) throw new Error(`operation ${operation} was never reached`)
    if (hasOpenSinks(events)) reader.look(fs)
    return { fs, reader }
  }

  *#outcomes(fs: SimFs): Generator<Outcome> {
    yield { name: 'killed', fs: fs.afterKill(), isPowerLoss: false }
    yield { name: 'power lost', fs: fs.afterPowerLoss(), isPowerLoss: true }
    for (let seed = 0; seed < this.#options.chances; seed++) {
      const survivors = fs.afterPowerLoss(seededRandom(seed))
      yield { name: `power lost (seed ${seed})`, fs: survivors, isPowerLoss: true }
    }
  }

  async #judge(reader: OutputReader, { fs, isPowerLoss }: Outcome): Promise<void> {
    if (isPowerLoss) reader.lookAfterPowerLoss(fs)
    const { skipsKnownDisks, parallelismAfter: parallelism = this.#options.parallelism ?? 1 } = this.#options
    const disk = digestOf(fs)
    let recovered = skipsKnownDisks ? this.#known.get(disk) : undefined
    if (recovered === undefined) {
      this.report.disks++
      recovered = recover(fs, { ...this.#options, parallelism })
      this.#known.set(disk, recovered)
    }
    reader.meet(await recovered)
  }

  #note(error: unknown, where: string, fs: SimFs | undefined): void {
    if (!(error instanceof BrokenPromise)) throw error
    this.report.failures.push(`${where}: ${error.message}${fs === undefined ? '' : `\n${fs.describe()}`}`)
  }
}

/** Every operation of the current run, as the disk logs it: number, kind, path. */
export function linesOf(fs: SimFs): readonly string[] {
  return fs
    .describe()
    .split('\n')
    .filter((line) => line.startsWith(`${fs.life}.`))
}

function digestOf(fs: SimFs): string {
  const hash = createHash('sha1')
  for (const path of fs.paths()) {
    const content = fs.peek(path)!
    hash.update(`${path} ${content.length}\n`).update(content)
  }
  return hash.digest('base64')
}
