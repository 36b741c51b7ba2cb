import { Wakeup } from '@millrace/world'
import { assert } from '../errors/errors.ts'
import { Cursor } from '../operator/cursor.ts'
import type { IncomingEdge } from './edge.ts'
import type { PortPlan, WiredTask } from './exchange.ts'
import { LocalEdge } from './local-edge.ts'
import { Port, type Route } from './port.ts'

/** The inputs and outputs of one subtask, and what they share with it. */
export interface TaskWiring {
  readonly inputs: readonly IncomingEdge[]
  readonly ports: readonly Port[]
  readonly cursor: Cursor
  readonly wakeup: Wakeup
}

/** How large batches and edges are, and what keys are spread over. */
export interface WiringOptions {
  /** Records per batch at most. */
  readonly batchRecords: number
  /** Batches that may wait on one edge. */
  readonly edgeBatches: number
  readonly keyGroups: number
}

/**
 * Makes the edges between all subtasks. `wiring[task][subtask]` is what each of them is given.
 *
 * This is the one place that decides of which kind an edge is. Tasks are listed inputs first.
 */
export function wire(
  tasks: readonly WiredTask[],
  parallelism: number,
  options: WiringOptions,
): readonly (readonly TaskWiring[])[] {
  // inputs[task][subtask][input] lists the edges that arrive there.
  const inputs = tasks.map((task) =>
    Array.from({ length: parallelism }, () => Array.from({ length: task.inputs }, (): IncomingEdge[] => [])),
  )
  return tasks.map((task) =>
    Array.from({ length: parallelism }, (_, subtask): TaskWiring => {
      const cursor = new Cursor()
      const wakeup = new Wakeup()
      const ports = task.ports.map((port) => {
        assert(port.task > task.index, 'tasks are listed inputs first')
        const edges = targets(port, subtask, parallelism).map((target) => {
          const bounds = { batches: options.edgeBatches, batchRecords: options.batchRecords }
          const edge = new LocalEdge(bounds, port.input)
          inputs[port.task]![target]![port.input]!.push(edge)
          return edge
        })
        return new Port(edges, routeOf(port, options), cursor, wakeup)
      })
      // The tasks before this one have made every edge that arrives here.
      return { inputs: inputsOf(inputs, task, subtask), ports, cursor, wakeup }
    }),
  )
}

function inputsOf(
  inputs: readonly (readonly (readonly IncomingEdge[][])[])[],
  task: WiredTask,
  subtask: number,
): readonly IncomingEdge[] {
  return inputs[task.index]![subtask]!.flat()
}

function targets(port: PortPlan, subtask: number, parallelism: number): readonly number[] {
  return port.exchange.kind === 'forward'
    ? [subtask]
    : Array.from({ length: parallelism }, (_, target) => target)
}

function routeOf({ exchange }: PortPlan, { keyGroups }: WiringOptions): Route {
  return exchange.kind === 'forward' ? exchange : { kind: 'key', by: exchange.by, keyGroups }
}
