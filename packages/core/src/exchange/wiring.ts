import { Wakeup } from '@millrace/world'
import { assert } from '../errors/errors.ts'
import { Cursor } from '../operator/cursor.ts'
import type { IncomingEdge } from './edge.ts'
import type { PortPlan, WiredTask } from './exchange.ts'
import { LocalEdge } from './local-edge.ts'
import { Port, type Route } from './port.ts'

/** The inputs and outputs of one subtask, and its shared objects. */
export interface TaskWiring {
  readonly inputs: readonly IncomingEdge[]
  readonly ports: readonly Port[]
  readonly cursor: Cursor
  readonly wakeup: Wakeup
}

/** The sizes of batches and edges, and the number of key groups. */
export interface WiringOptions {
  /** Records per batch at most. */
  readonly batchRecords: number
  /** Batches that may wait on one edge. */
  readonly edgeBatches: number
  readonly keyGroups: number
}

/**
 * Creates the edges between all subtasks. `wiring[task][subtask]` belongs to that subtask.
 *
 * The only place that chooses the kind of an edge. Tasks are listed inputs first.
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
      // Earlier tasks have created every edge that arrives here.
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
  return exchange.kind === 'key' ? { kind: 'key', by: exchange.by, keyGroups } : exchange
}
