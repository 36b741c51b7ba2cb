import type { Graph } from '@millrace/core/graph'
import { explain } from '@millrace/core/graph'
import type { JobGraph } from '../contract/graph.ts'

/** The graph of a pipeline as the API shows it. */
export function graphView(graph: Graph, parallelism: number): JobGraph {
  const { pipeline, parts, tasks } = explain(graph, parallelism)
  const taskOf = new Map(tasks.flatMap(({ name, parts: own }) => own.map((part) => [part, name] as const)))
  const task = (part: string): string => taskOf.get(part) ?? part
  return {
    job: pipeline,
    operators: parts.map(({ name, kind, type, facts, keeps, onError }) => ({
      id: name,
      kind,
      type,
      task: task(name),
      facts,
      keeps: keeps ?? null,
      onError,
      hasState: kind === 'operator' && keeps !== undefined,
    })),
    edges: parts.flatMap(({ name, inputs }) =>
      inputs.map(({ from, output, exchange }) => ({
        from,
        to: name,
        output,
        exchange,
        isInsideTask: task(from) === task(name),
      })),
    ),
    tasks: tasks.map(({ name, kind, parts: operators }) => ({
      task: name,
      kind,
      operators,
      subtasks: parallelism,
    })),
  }
}
