/**
 * Lets every operation on the disk fail once: a sync with a final failure, every other operation with a
 * transient one. And lets the disk become full at every write.
 */
import { describeError } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import type { RestartPolicy } from 'millrace'
import { seededRandom } from '@millrace/world'
import type { SimFs } from '@millrace/testkit'
import { promised } from './broken-promise.ts'
import type { Case } from './cases.ts'
import { emptyBeginning, linesOf } from './crash-points.ts'
import { hasCode } from './error-causes.ts'
import { live, type Life, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'
import { recover, requireCalm, requireFinished, requireWholeCheckpoints } from './recovery.ts'
import { wrappedFs } from './wrapped-fs.ts'

const retries: RestartPolicy = { kind: 'fixed', delayMs: 3, attempts: 3 }

/**
 * Runs the job on a disk on which one operation fails, each in turn. `lines` is the log of a run without
 * faults.
 *
 * A failed sync must stop the job permanently, because another one would report success for lost bytes; the
 * next run begins with the data on the disk. From any other failure the job recovers by itself.
 */
export function* failingOperations(lines: readonly string[], options: LifeOptions = {}): Generator<Case> {
  for (const [index, line] of lines.entries()) {
    yield { name: `operation ${line} fails`, run: () => failOperation(index + 1, options) }
  }
}

/**
 * Runs the job on a disk that becomes full at one of its writes, each in turn: the write accepts half of its
 * bytes and later ones fail. Once there is space again the job continues, by itself or after a restart.
 */
export function* fullDisks(lines: readonly string[], options: LifeOptions = {}): Generator<Case> {
  // Overwriting in place needs no space.
  const writes = lines.filter((line) => isKind(line, 'write') && !/\/owner\/.* at \d+$/.test(line))
  for (const [index, line] of writes.entries()) {
    for (const mayRetry of [false, true]) {
      const then = mayRetry ? 'and the job may try again' : 'and the job may not try again'
      yield { name: `disk full at ${line}, ${then}`, run: () => fillDisk(index + 1, mayRetry, options) }
    }
  }
}

/** Runs the job on disks with short writes. */
export function* shortWrites(options: LifeOptions = {}): Generator<Case> {
  for (const bytes of [1, 7, 100]) {
    yield { name: `writes of at most ${bytes} bytes`, run: () => writeShort(bytes, options) }
  }
}

async function failOperation(operation: number, options: LifeOptions): Promise<string> {
  const fs = emptyBeginning(options).disk()
  fs.failAt(operation)
  const reader = OutputReader.new()
  const life = await live(fs, reader, { ...options, restart: retries })
  const line = linesOf(fs)[operation - 1]!
  const isSync = isKind(line, 'sync')
  const { result } = life
  if (result.outcome === 'finished' && failuresIn(life).length > 0) {
    promised(!isSync, () => `the job continued after a failed sync: ${line}`)
    requireFinished(fs, reader)
    return 'continued by itself'
  }
  if (result.outcome === 'finished') {
    // Everything was done except tidying up, which the next run does.
    const isTold = life.events.some(({ kind }) => kind === 'warning')
    promised(isTold, () => `this failure was not reported: ${line}`)
    reader.look(fs)
    reader.requireAll()
    reader.meet(await recover(fs.afterKill(), options))
    return 'warned at its end'
  }
  promised(result.outcome === 'failed', () => `the job ended as ${result.outcome} after ${line}`)
  promised(hasCode(result.error, isSync ? 'FS_SYNC_FAILED' : 'FS_IO'), () => unclear(line, result.error))
  const hasStarted = life.events.some(({ kind }) => kind === 'started')
  promised(isSync || !hasStarted, () => `the job did not try again after ${line}`)
  const survivors = operation % 2 === 0 ? undefined : seededRandom(operation)
  for (const next of [fs.afterKill(), fs.afterPowerLoss(survivors)]) {
    reader.meet(await recover(next, options))
    // By then the job must not rely on anything that the failed operation left in doubt.
    await requireKept(next.afterPowerLoss())
  }
  return isSync ? 'stopped for good' : 'did not start'
}

/** All output exists, and so does the checkpoint that says so. */
async function requireKept(fs: SimFs): Promise<void> {
  const reader = OutputReader.new()
  reader.look(fs)
  reader.requireAll()
  // Older ones whose removal could not be synced may reappear, without the state that was removed after them.
  const newest = await requireWholeCheckpoints(fs, 1)
  promised(newest?.phase === 'finished', () => 'the power was lost and took the end of the job')
}

async function fillDisk(write: number, mayRetry: boolean, options: LifeOptions): Promise<string> {
  const fs = emptyBeginning(options).disk()
  const reader = OutputReader.new()
  const meter = new WriteMeter(fs, write)
  const life = await live(fs, reader, {
    ...options,
    restart: mayRetry ? retries : { kind: 'none' },
    around: { ...options.around, fs: (inner) => meter.over(options.around?.fs?.(inner) ?? inner) },
    onEvent: ({ kind }) => {
      if (kind === 'failed') fs.capacityBytes = Number.POSITIVE_INFINITY
    },
  })
  promised(meter.isFull, () => 'the write was never reached')
  fs.capacityBytes = Number.POSITIVE_INFINITY
  const { result } = life
  if (result.outcome === 'finished') {
    promised(failuresIn(life).length > 0, () => 'the job finished on a full disk')
    requireFinished(fs, reader)
    return 'continued by itself'
  }
  promised(result.outcome === 'failed', () => `the job ended as ${result.outcome} on a full disk`)
  promised(hasCode(result.error, 'FS_FULL'), () => unclear('a full disk', result.error))
  // The same disk, and another process: only the process is lost.
  reader.meet(await recover(fs.afterKill(), options))
  return 'continued when started again'
}

async function writeShort(writeBytesMax: number, options: LifeOptions): Promise<string> {
  const fs = emptyBeginning({ ...options, writeBytesMax }).disk()
  const reader = OutputReader.new()
  requireCalm(await live(fs, reader, options))
  requireFinished(fs, reader)
  return 'as on any other disk'
}

/** Counts writes, and fills the disk halfway through the chosen one. */
class WriteMeter {
  isFull = false
  readonly #fs: SimFs
  #left: number

  constructor(fs: SimFs, write: number) {
    this.#fs = fs
    this.#left = write
  }

  over(inner: Fs): Fs {
    return wrappedFs(inner, {
      file: (file, path) => {
        const writing = (bytes: Uint8Array): void => {
          if (--this.#left === 0) this.#fill(Math.floor(bytes.length / 2))
        }
        return {
          write: (bytes) => {
            writing(bytes)
            return file.write(bytes)
          },
          writeAt: (bytes, position) => {
            if (!path.includes('/owner/')) writing(bytes)
            return file.writeAt(bytes, position)
          },
        }
      },
    })
  }

  #fill(roomBytes: number): void {
    const used = this.#fs.paths().reduce((sum, path) => sum + this.#fs.peek(path)!.length, 0)
    this.#fs.capacityBytes = used + roomBytes
    this.isFull = true
  }
}

/** Whether a line of the disk's log is about an operation with this prefix. */
function isKind(line: string, kind: string): boolean {
  return line.split(' ')[1]!.startsWith(kind)
}

/** Failures from which the job tried to recover by itself. */
function failuresIn({ events }: Life): readonly unknown[] {
  return events.flatMap((event) => (event.kind === 'failed' ? [event.error] : []))
}

function unclear(what: string, error: unknown): string {
  return `after ${what} the job failed with something else: ${describeError(error)}`
}
