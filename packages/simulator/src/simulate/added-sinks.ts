import type { Graph, SinkNode } from '@millrace/core/graph'
import { ancestorsOf } from './ancestors.ts'
import { calmRun } from './calm-run.ts'
import { compareSink } from './expectation.ts'
import type { Finding } from './finding.ts'
import type { Inputs } from './inputs.ts'
import type { RunOutcome, Subject } from './run-plan.ts'
import type { OutputRecord } from './sim-sink.ts'

/** What one version must put into the sinks that nothing of the first version feeds, by their names. */
type AddedSinks = ReadonlyMap<string, { readonly node: SinkNode; readonly expected: readonly OutputRecord[] }>

/** What later versions must put into the sinks that only their own sources feed. */
export class Additions {
  readonly #byVersion: readonly AddedSinks[]

  private constructor(byVersion: readonly AddedSinks[]) {
    this.#byVersion = byVersion
  }

  /** Runs each version that has such sinks without faults. */
  static async of(subject: Subject): Promise<Additions> {
    const byVersion: AddedSinks[] = []
    for (const graph of subject.versions) {
      const nodes = addedSinksOf(graph(), subject.addedInputs)
      const { outputs } = nodes.length === 0 ? { outputs: undefined } : await calmRun({ ...subject, graph })
      byVersion.push(
        new Map(nodes.map((node) => [node.name, { node, expected: outputs?.get(node.name) ?? [] }])),
      )
    }
    return new Additions(byVersion)
  }

  /** Holds them against what is there at the end of a run. */
  compare({ version, outputs, stopped }: RunOutcome, hasFallenBack: boolean): readonly Finding[] {
    const sinks = version === 0 ? [] : [...this.#byVersion[version - 1]!]
    return sinks.flatMap(([name, { node, expected }]) => {
      const { guarantee } = node.sink
      return compareSink(name, expected, outputs.get(name) ?? [], {
        guarantee,
        mayMiss: guarantee === 'at-most-once' || stopped !== undefined,
        mayRepeat: guarantee === 'at-least-once' || hasFallenBack,
        mayDiffer: false,
        mayDifferAfterPause: false,
        mayMix: false,
      })
    })
  }
}

/** Sinks that only added sources feed, without anything on the way that could depend on when records come. */
function addedSinksOf(graph: Graph, added: Inputs): readonly SinkNode[] {
  return graph.nodes.filter((node): node is SinkNode => {
    if (node.kind !== 'sink') return false
    return ancestorsOf(node, graph).every(
      ({ kind, name }) => kind === 'step' || (kind === 'source' && added.has(name)),
    )
  })
}
