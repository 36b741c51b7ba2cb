import { Wakeup } from '@millrace/world'
import { assert } from '../errors/errors.ts'
import { Cursor } from '../operator/cursor.ts'
import type { EdgeBounds } from './credit.ts'
import type { Crossing } from './crossing.ts'
import type { IncomingEdge, OutgoingEdge } from './edge.ts'
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

/** Which worker runs which subtask, and the ways from one worker to the others. */
export interface Places {
  /** The worker whose subtasks are wired. */
  readonly own: number
  readonly workerOf: (task: number, subtask: number) => number
  /** The edges between the own worker and another one. */
  readonly crossing: (worker: number) => Crossing
}

/** Everything runs in one worker. */
export const onePlace: Places = {
  own: 0,
  workerOf: () => 0,
  crossing: () => {
    throw new Error('there is one worker')
  },
}

/**
 * Creates the edges of the subtasks of one worker. `wiring[task][subtask]` belongs to that subtask, and is undefined
 * where another worker runs it.
 *
 * The only place that chooses the kind of an edge. Tasks are listed inputs first. Every worker lists all edges in the
 * same order, so that both ends of an edge have the same number.
 */
export function wire(
  tasks: readonly WiredTask[],
  parallelism: number,
  options: WiringOptions,
  places: Places = onePlace,
): readonly (readonly (TaskWiring | undefined)[])[] {
  const bounds = { batches: options.edgeBatches, batchRecords: options.batchRecords }
  // inputs[task][subtask][input] lists the edges that arrive there.
  const inputs = tasks.map((task) =>
    Array.from({ length: parallelism }, () => Array.from({ length: task.inputs }, (): IncomingEdge[] => [])),
  )
  let edges = 0
  return tasks.map((task) =>
    Array.from({ length: parallelism }, (_, subtask): TaskWiring | undefined => {
      const cursor = new Cursor()
      const wakeup = new Wakeup()
      const from = places.workerOf(task.index, subtask)
      const ports = task.ports.map((port) => {
        assert(port.task > task.index, 'tasks are listed inputs first')
        const outgoing = targets(port, subtask, parallelism).flatMap((target): OutgoingEdge[] => {
          const to = places.workerOf(port.task, target)
          const ends = edgeOf(edges++, { from, to, input: port.input }, bounds, places)
          if (ends.incoming !== undefined) inputs[port.task]![target]![port.input]!.push(ends.incoming)
          return ends.outgoing === undefined ? [] : [ends.outgoing]
        })
        return { port, outgoing }
      })
      if (from !== places.own) return undefined
      return {
        // Earlier tasks have created every edge that arrives here.
        inputs: inputs[task.index]![subtask]!.flat(),
        ports: ports.map(({ port, outgoing }) => new Port(outgoing, routeOf(port, options), cursor, wakeup)),
        cursor,
        wakeup,
      }
    }),
  )
}

/** The ends of one edge that belong to the own worker. */
function edgeOf(
  id: number,
  { from, to, input }: { readonly from: number; readonly to: number; readonly input: number },
  bounds: EdgeBounds,
  { own, crossing }: Places,
): { readonly incoming?: IncomingEdge; readonly outgoing?: OutgoingEdge } {
  if (from === own && to === own) {
    const edge = new LocalEdge(bounds, input)
    return { incoming: edge, outgoing: edge }
  }
  if (from === own) return { outgoing: crossing(to).outgoing(id, bounds) }
  return to === own ? { incoming: crossing(from).incoming(id, bounds, input) } : {}
}

function targets(port: PortPlan, subtask: number, parallelism: number): readonly number[] {
  return port.exchange.kind === 'forward'
    ? [subtask]
    : Array.from({ length: parallelism }, (_, target) => target)
}

function routeOf({ exchange }: PortPlan, { keyGroups }: WiringOptions): Route {
  return exchange.kind === 'key' ? { kind: 'key', by: exchange.by, keyGroups } : exchange
}
