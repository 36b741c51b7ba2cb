import type { Graph, SinkNode } from '@millrace/core/graph'
import { ancestorsOf } from './ancestors.ts'
import { calmRun } from './calm-run.ts'
import { compareSink } from './expectation.ts'
import type { Finding } from './finding.ts'
import type { Inputs } from './inputs.ts'
import type { RunOutcome, Subject } from './run-plan.ts'
import type { OutputRecord } from './sim-sink.ts'

/** By sink: what one version must write to the sinks that the first version does not feed. */
type AddedSinks = ReadonlyMap<string, { readonly node: SinkNode; readonly expected: readonly OutputRecord[] }>

/** The expected contents of sinks that only sources of later versions feed. */
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

  /** Compares the expected contents with those at the end of a run. */
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

/** Sinks that only added sources feed, through operators that do not depend on when records arrive. */
function addedSinksOf(graph: Graph, added: Inputs): readonly SinkNode[] {
  return graph.nodes.filter((node): node is SinkNode => {
    if (node.kind !== 'sink') return false
    return ancestorsOf(node, graph).every(
      ({ kind, name }) => kind === 'step' || (kind === 'source' && added.has(name)),
    )
  })
}
