/** The expectations for the runs of a topology, each computed from the input that the run has. */
import type { Invariant, RunFacts } from '@millrace/simulator'
import { predict, type Prediction } from './oracle.ts'
import type { SourceSpec, SplitSpec, Topology } from './topology.ts'

/** Makes an invariant of a topology and what is expected of it. */
export type Expectation = (topology: Topology, predicted: Prediction) => Invariant

/**
 * The invariant for runs with any part of the input: the simulator repeats a run that has failed with less of it. It has
 * the name of the one for the whole input.
 */
export function expecting(topology: Topology, predicted: Prediction, make: Expectation): Invariant {
  const whole = make(topology, predicted)
  const named: Readonly<Record<string, Invariant>> = {
    [whole.name]: (outputs, run) => {
      const shorter = withItems(topology, run.items)
      const invariant = shorter === topology ? whole : make(shorter, predict(shorter))
      invariant(outputs, run)
    },
  }
  return named[whole.name]!
}

/** The topology with only the first items of each split; the same one if that is all of them. */
export function withItems(topology: Topology, items: RunFacts['items']): Topology {
  const sources = topology.sources.map((source): SourceSpec => {
    const counts = items[source.name] ?? {}
    return { ...source, splits: source.splits.map((split) => firstOf(split, counts[split.name])) }
  })
  const isWhole = sources.every(({ splits }, s) =>
    splits.every((split, index) => split === topology.sources[s]!.splits[index]),
  )
  return isWhole ? topology : { ...topology, sources }
}

/** The first items of a split: undecodable bytes come before the reading whose number they have. */
function firstOf(split: SplitSpec, count: number | undefined): SplitSpec {
  const { readings, spoiled } = split
  if (count === undefined || count >= readings.length + spoiled.length) return split
  let [kept, left] = [0, count]
  for (let index = 0; index < readings.length && left > 0; index++) {
    left -= spoiled.filter((at) => at === index).length
    if (left > 0) kept = index + 1
    left--
  }
  const before = [...spoiled].toSorted((a, b) => a - b).slice(0, count - kept)
  return { ...split, readings: readings.slice(0, kept), spoiled: before }
}
