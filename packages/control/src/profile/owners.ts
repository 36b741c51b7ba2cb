import type { CallFrame, ProfileNode } from '@millrace/core/disk'
import type { ThreadProfile } from '@millrace/core/job'
import type { JobGraph } from '../contract/graph.ts'

/** Whose time a sample is. */
export interface SampleOwner {
  readonly kind: 'operator' | 'other' | 'idle'
  /** The part of the pipeline, or what it is otherwise. */
  readonly name: string
}

/** The functions of a sample: from the first one of its owner, or from the root, to the one that ran. */
export interface OwnedSample {
  readonly owner: SampleOwner
  readonly stack: readonly CallFrame[]
  /** In microseconds. */
  readonly us: number
}

const idle: SampleOwner = { kind: 'idle', name: '(idle)' }
const collection: SampleOwner = { kind: 'other', name: '(garbage collection)' }
const engine: SampleOwner = { kind: 'other', name: '(engine: queues, timers, checkpoints)' }
const outside: SampleOwner = { kind: 'other', name: '(outside of tasks: calls, servers, other code)' }

/** A node with everything that its ancestors say. */
interface Place {
  readonly frame: CallFrame
  /** The innermost part whose frame it is or is below. */
  readonly part: string | undefined
  readonly stack: readonly CallFrame[]
}

/**
 * The samples of one thread with their owners. The innermost frame of a part decides; a sample without one belongs to the
 * source, sink or `mapAsync` whose turn it was, and otherwise to the engine.
 */
export function* ownedSamples(profile: ThreadProfile, graph: JobGraph): Generator<OwnedSample> {
  const { cpu, turns } = profile
  const places = placesOf(profile)
  const alone = new Set(graph.tasks.filter(({ kind }) => kind !== 'chain').map(({ task }) => task))
  let turn = -1
  let us = 0
  for (const [at, node] of cpu.samples.entries()) {
    us += cpu.timeDeltas[at]!
    const atMs = cpu.startedAtMs + us / 1_000
    while (turn + 1 < turns.at.length && turns.at[turn + 1]! <= atMs) turn++
    const task = turns.subtasks[turns.subtask[turn] ?? -1]?.task
    const place = places.get(node)!
    const owner = ownerOf(place, task, alone)
    // What a sample has found is taken to run until the next one.
    const next = cpu.timeDeltas[at + 1] ?? Math.max(0, cpu.endTime - cpu.startTime - us)
    yield { owner, stack: place.stack, us: next }
  }
}

function ownerOf({ frame, part }: Place, task: string | undefined, alone: ReadonlySet<string>): SampleOwner {
  if (frame.functionName === '(idle)') return idle
  if (frame.functionName === '(garbage collector)') return collection
  if (part !== undefined) return { kind: 'operator', name: part }
  if (task === undefined) return outside
  return alone.has(task) ? { kind: 'operator', name: task } : engine
}

function placesOf({ cpu, frames }: ThreadProfile): ReadonlyMap<number, Place> {
  const parts = new Map(frames.map(({ url, functionName, part }) => [`${url} ${functionName}`, part]))
  const nodes = new Map(cpu.nodes.map((node) => [node.id, node]))
  const places = new Map<number, Place>()
  const visit: { readonly node: ProfileNode; readonly above: Place | undefined }[] = []
  if (cpu.nodes[0] !== undefined) visit.push({ node: cpu.nodes[0], above: undefined })
  for (let next = visit.pop(); next !== undefined; next = visit.pop()) {
    const place = placeOf(next.node.callFrame, next.above, parts)
    places.set(next.node.id, place)
    for (const child of next.node.children ?? []) visit.push({ node: nodes.get(child)!, above: place })
  }
  return places
}

function placeOf(frame: CallFrame, above: Place | undefined, parts: ReadonlyMap<string, string>): Place {
  // The root of V8 is the root of every profile.
  if (above === undefined) return { frame, part: undefined, stack: [] }
  const part = parts.get(`${frame.url} ${frame.functionName}`)
  if (part !== undefined) return { frame, part, stack: [] }
  return { frame, part: above.part, stack: [...above.stack, frame] }
}
