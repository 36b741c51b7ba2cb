import { explainGraph, type GraphExplanation } from '../graph/explain.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Graph } from '../graph/node.ts'
import { planGraph, type TaskPlan } from './plan.ts'

/** An explanation of a pipeline: its graph, and its tasks. Plain data, ready for JSON. */
export interface Explanation extends GraphExplanation {
  /** Subtasks of each task. */
  readonly parallelism: number
  readonly tasks: readonly TaskExplanation[]
}

/** One task: the parts that run in it as direct calls, and where it sends its records. */
export interface TaskExplanation {
  readonly name: string
  readonly kind: 'source' | 'chain' | 'async' | 'sink'
  readonly parts: readonly string[]
  readonly sends: readonly { readonly to: string; readonly exchange: Exchange['kind'] }[]
}

/**
 * Explains what a graph does, keeps and guarantees, and how it would run. Throws `GRAPH_INVALID` for an
 * invalid graph.
 *
 * @example
 * explain(fraud.describe().graph, 2).tasks.map((task) => task.name) // => ['payments', 'per-card', 'alerts']
 */
export function explain(graph: Graph, parallelism = 1): Explanation {
  const { tasks } = planGraph(graph, parallelism)
  return {
    ...explainGraph(graph),
    parallelism,
    tasks: tasks.map((task) => ({
      name: task.name,
      kind: task.kind,
      parts: partsOf(task),
      sends: task.ports.map((port) => ({ to: tasks[port.task]!.name, exchange: port.exchange.kind })),
    })),
  }
}

/** The source task itself assigns event times, after the steps before them. */
function partsOf(task: TaskPlan): readonly string[] {
  if (task.kind !== 'source' || task.stamp === undefined) return task.members
  return [...task.members, task.stamp.node.name]
}
