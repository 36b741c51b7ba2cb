/** A model of a drawn source, over arrays. */
import { changed, passes, severalOf, type Item, type Reading } from './item.ts'
import type { KnownRecord, KnownStream } from './known-stream.ts'
import { watermarkAfter } from './known-watermarks.ts'
import { stepName, timesName } from './interpreter.ts'
import type { Policy, SourceSpec } from './topology.ts'

/**
 * Handles an item that an operator could not process; without an item it was not a record. `policy` is the
 * operator's.
 */
export type Bury = (operator: string, policy: Policy | undefined, item: Item | undefined) => void

/** The records of a source, in order within each split. */
export function sourceRecordsOf(source: SourceSpec, bury: Bury): KnownStream {
  const { name, policy, splits, disorderMs, untimely, untimelyPolicy } = source
  const isAlone = splits.length === 1
  const records: KnownRecord[] = []
  for (const { name: split, readings, spoiled } of splits) {
    for (const _ of spoiled) bury(name, policy, undefined)
    const before: { readonly value: Item; readonly time: number }[] = []
    for (const value of readings.flatMap((reading) => stepped(source, reading, bury))) {
      const isTimed = disorderMs !== undefined
      if (isTimed && untimely !== undefined && passes(untimely, value)) {
        bury(timesName(name), untimelyPolicy, value)
        continue
      }
      const time = isTimed ? value.at : Number.NaN
      const { most: under, isExact } = watermarkAfter(source, before)
      // The watermark of several splits is that of the slowest, so at most that of this split alone.
      records.push({
        value,
        time,
        line: `${name} ${split}`,
        under: isAlone && isExact ? under : undefined,
        isOnTime: under <= time,
      })
      before.push({ value, time: value.at })
    }
  }
  return records
}

/** The result of the step inside the source. */
function stepped(source: SourceSpec, reading: Reading, bury: Bury): readonly Reading[] {
  const { step, stepPoison } = source
  if (step !== undefined && stepPoison !== undefined && passes(stepPoison, reading)) {
    bury(stepName(source), undefined, reading)
    return []
  }
  switch (step?.kind) {
    case 'map':
      return [{ ...reading, ...changed(step.change, reading) }]
    case 'filter':
      return passes(step.test, reading) ? [reading] : []
    case 'flatMap':
      return severalOf(step.times, reading) as readonly Reading[]
    case 'tap':
    case undefined:
      return [reading]
  }
}
