import { CaseList } from './conformance-case.ts'
import type { ConformanceCase, Skips } from './conformance-case.ts'
import * as crash from './sink-crash-cases.ts'
import type { FreshTrial } from './sink-job.ts'
import type { SinkFeatures, SinkSubject } from './sink-life.ts'
import * as owner from './sink-owner-cases.ts'
import * as protocol from './sink-protocol-cases.ts'
import { SinkTrial } from './sink-trial.ts'

/** How to create the sinks under test. */
export interface SinkConformanceOptions<T> {
  /** Called for every case and every crash. Returns an empty outside system. */
  create(): Promise<SinkSubject<T>>
  readonly features: SinkFeatures
  /** A record that the sink cannot write, if there is one. */
  readonly unwritable?: () => T
  readonly skip?: Skips
}

/**
 * Tests the contract of `Sink` and `SinkWriter`: the guarantee holds for a crash at any moment.
 *
 * The kit replaces the engine: it writes batches, prepares, keeps committables as text, commits, and restarts from what
 * a manifest would contain. A sink with files is crashed at each file operation.
 *
 * @example
 * describeCases('files', sinkConformance({ create, features }), { describe, test })
 */
export function sinkConformance<T>(options: SinkConformanceOptions<T>): readonly ConformanceCase[] {
  const { guarantee, keepsFiles, severalSubtasks } = options.features
  const list = new CaseList(options.skip)
  const subjects = new Subjects(options)
  const add = (name: string, run: (trial: SinkTrial<T>) => Promise<void>, lacking?: string): void =>
    list.addIf(lacking === undefined, lacking ?? '', name, () =>
      subjects.during(async (fresh) => run(await fresh())),
    )
  const crashing = (name: string, run: (fresh: FreshTrial<T>) => Promise<void>, lacking?: string): void =>
    list.addIf(lacking === undefined, lacking ?? '', name, () => subjects.during(run))
  const single = severalSubtasks ? undefined : 'there is one writer at a time'
  const weaker = guarantee === 'exactly-once' ? undefined : `this sink promises ${guarantee}`
  const fileless = keepsFiles ? undefined : 'this sink keeps no files'

  add('what is written arrives in order, whatever the size of batches', protocol.arrives)
  add(
    'a record that cannot be written is rejected, and the others arrive',
    (trial) => protocol.rejects(trial, options.unwritable!()),
    options.unwritable === undefined ? 'this sink can write every record' : undefined,
  )
  add('checkpoints with nothing written do no harm', protocol.nothingWritten)
  add('close releases files and timers', protocol.release)
  add('subtasks write side by side', protocol.subtasks, single)
  add('a disk that takes a few bytes at a time loses nothing', protocol.shortWrites, fileless)

  add('nothing is visible before commit', protocol.hiddenBeforeCommit, weaker)
  add('several checkpoints may be prepared before the first commit', protocol.severalPrepared, weaker)
  add('committing again changes nothing', protocol.committedAgain, weaker)
  add('what is pending is committed on reopen', protocol.pendingOnReopen, weaker)
  add('what is pending and was committed is not doubled', protocol.pendingCommittedBefore, weaker)
  add('what was not prepared is discarded', protocol.unpreparedDiscarded, weaker)
  add('what was prepared and is not named is discarded', protocol.unnamedDiscarded, weaker)
  add('one subtask commits what several have prepared', protocol.fewerSubtasks, single ?? weaker)
  add('crashes leave nothing behind', protocol.leavesNothing, fileless ?? weaker)

  const lossy = guarantee === 'at-most-once' ? 'this sink promises nothing over a crash' : undefined
  const withFiles = lossy ?? fileless
  crashing('the guarantee survives a crash between any two steps', crash.betweenSteps, lossy)
  crashing('the guarantee survives a crash at any operation', crash.duringOperations, withFiles)
  crashing('the guarantee survives the failure of any operation', crash.failingOperations, withFiles)
  crashing('the guarantee survives a full disk', crash.fullDisk, withFiles)
  crashing('the guarantee survives a crash at any operation and another', crash.twiceInARow, withFiles)

  const doubling = weaker ?? fileless
  crashing(
    'a process that was replaced between any two steps changes nothing',
    owner.replacedBetweenSteps,
    weaker,
  )
  crashing(
    'a process that was replaced at any operation changes nothing',
    owner.replacedDuringOperations,
    doubling,
  )
  return list.done()
}

/** Creates subjects for one case and closes them at its end. */
class Subjects<T> {
  readonly #options: SinkConformanceOptions<T>

  constructor(options: SinkConformanceOptions<T>) {
    this.#options = options
  }

  async during(run: (fresh: FreshTrial<T>) => Promise<void>): Promise<void> {
    const made: SinkSubject<T>[] = []
    try {
      await run(async () => {
        const subject = await this.#options.create()
        made.push(subject)
        return new SinkTrial(subject, this.#options.features)
      })
    } finally {
      for (const subject of made) await subject.close?.()
    }
  }
}
