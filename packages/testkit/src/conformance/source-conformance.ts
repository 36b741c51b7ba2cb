import { SimFs } from '../sim-fs.ts'
import { CaseList } from './conformance-case.ts'
import type { ConformanceCase, Skips } from './conformance-case.ts'
import * as position from './source-position-cases.ts'
import * as reading from './source-reading-cases.ts'
import { SourceTrial } from './source-trial.ts'
import type { SourceFeatures, SourceSubject } from './source-life.ts'

/** How to create the sources under test. */
export interface SourceConformanceOptions<T> {
  /** Called for every case, with an empty disk that all lives of the case share. */
  create(fs: SimFs): Promise<SourceSubject<T>>
  readonly features: SourceFeatures
  readonly skip?: Skips
}

/**
 * Tests the contract of `Source` and `SplitReader`.
 *
 * Time, disk and randomness are simulated: time passes while the kit waits for `ready`. Positions are taken after every
 * record, pass through JSON, and are opened by a new source.
 *
 * @example
 * describeCases('files', sourceConformance({ create, features }), { describe, test })
 */
export function sourceConformance<T>(options: SourceConformanceOptions<T>): readonly ConformanceCase[] {
  const { features } = options
  const list = new CaseList(options.skip)
  const add = (name: string, run: (trial: SourceTrial<T>) => Promise<void>, lacking?: string): void =>
    list.addIf(lacking === undefined, lacking ?? '', name, () => inTrial(options, run))
  const unless = (isThere: boolean, lacking: string): string | undefined => (isThere ? undefined : lacking)

  add('every split is named once, and the same in every life', reading.splitNames)
  for (const limit of [1, 2, 7, 1_000]) {
    const name = `every record is read once and in order, ${limit} at a time`
    add(name, (trial) => reading.readsAll(trial, limit))
  }
  add('an origin names source, split and a place for each record', reading.origins)
  add('each record has its headers, and so has what cannot be decoded', reading.headers)
  add('ready resolves after close', reading.readyAfterClose)
  add('an abort ends every wait', reading.abort)
  add('close releases files and timers', reading.release)
  const endless = unless(features.ends, 'this source does not end')
  add('bounded input has all its splits from the start, and ends', reading.ending, endless)
  const single = unless(features.severalSplits, 'there is one split')
  add('splits do not disturb one another', reading.alternating, single)
  const faultless = unless(features.failures, 'nothing here can fail to decode')
  add('what cannot be decoded comes with its bytes, its place and an error', reading.failures, faultless)

  add('the position can be asked for between any two polls and changes nothing', position.asking)
  const isReplayable = features.durability === 'replayable'
  const volatile = unless(isReplayable, `this source is ${features.durability}`)
  add('a position taken before the first poll is the beginning', position.beginning, volatile)
  add('a position taken after any one record resumes with the next', position.afterEach(1), volatile)
  add('a position taken after a batch resumes with the next record', position.afterEach(3), volatile)
  add('a position taken at the end has nothing after it', position.atEnd, volatile)
  const deaf = unless(features.acknowledges, 'there is no acknowledge')
  add('a position may be acknowledged again, and late, and be opened', position.acknowledging, deaf)
  const fixed = unless(features.grows, 'nothing can be added')
  add('what is added wakes a reader that has caught up', reading.growing, fixed)
  const once = unless(isReplayable && features.ends, 'a position cannot be read again, or does not end')
  add(
    'what is added after the end of a run is read by the next one',
    reading.growingBetweenRuns,
    fixed ?? once,
  )
  return list.done()
}

async function inTrial<T>(
  options: SourceConformanceOptions<T>,
  run: (trial: SourceTrial<T>) => Promise<void>,
): Promise<void> {
  const fs = new SimFs()
  const subject = await options.create(fs)
  try {
    await run(new SourceTrial(subject, options.features, fs))
  } finally {
    await subject.close?.()
  }
}
