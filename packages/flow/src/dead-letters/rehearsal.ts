import type { Sink, Source, SplitReader } from '@millrace/core/connector'
import { errorOutput, inputsOf, type Graph, type GraphNode } from '@millrace/core/graph'
import type { DeadLetter } from '@millrace/core/operator'
import type { KeptLetter } from './letters.ts'
import { redriven } from './redrive.ts'
import { RedrivenReader } from './redriven-letters.ts'

/** A trial of redriven letters: a graph to run on a copy of the data directory, and what came of it. */
export interface Rehearsal {
  /** The pipeline with sources that read the letters and nothing else, and sinks that write nothing. */
  readonly graph: Graph
  /** Resolves when all letters have been read: the job may be stopped then. */
  readonly read: Promise<void>
  /** How many records each sink has received, by name, without dead letters. */
  readonly written: ReadonlyMap<string, number>
  /** The records that have failed again. */
  readonly failed: readonly DeadLetter[]
}

const split = 'rehearsal'

/**
 * Prepares a trial of `letters` with the graph of a changed program. Nothing outside of the copy is read or written, except
 * by the functions of the pipeline themselves, such as the calls of `mapAsync`.
 *
 * @example
 * const { graph, read, written } = rehearsalOf(pipeline.describe({}).graph, letters)
 */
export function rehearsalOf(graph: Graph, letters: readonly KeptLetter[]): Rehearsal {
  const written = new Map<string, number>()
  const failed: DeadLetter[] = []
  let waiting = 0
  let allRead = (): void => {}
  const read = new Promise<void>((resolve) => (allRead = resolve))
  const whenRead = (): void => {
    waiting--
    if (waiting === 0) allRead()
  }
  const replaced = (node: GraphNode): GraphNode => {
    if (node.kind === 'source') {
      const own = letters.filter(({ source }) => source === node.name)
      waiting++
      return { ...node, source: lettersOnly(node.name, node.source, own, whenRead) }
    }
    if (node.kind !== 'sink') return node
    const isDeadLetters = inputsOf(node).every(({ output }) => output === errorOutput)
    const take = (value: unknown): void => {
      if (isDeadLetters) failed.push(value as DeadLetter)
      else written.set(node.name, (written.get(node.name) ?? 0) + 1)
    }
    return { ...node, sink: countingSink(node.sink, take) }
  }
  return { graph: { ...graph, nodes: graph.nodes.map(replaced) }, read, written, failed }
}

/** Reads letters in place of the source's data. No split ends, so that no window fires because of an end. */
function lettersOnly(
  name: string,
  source: Source<unknown>,
  letters: readonly KeptLetter[],
  whenRead: () => void,
): Source<unknown> {
  const { kind, durability, positionVersion } = source
  const version = positionVersion === undefined ? {} : { positionVersion }
  const decode = (raw: Uint8Array): unknown => source.decode!(raw)
  const queued = letters.map(redriven)
  return {
    kind,
    durability,
    ...version,
    discover: async () => ({ splits: [split], isComplete: true }),
    open: async (opened, from) => {
      const own = opened === split ? queued : []
      const reader = new RedrivenReader({ source: name, split, letters: own, decode }, 0)
      return endless(reader, from ?? null, opened === split ? whenRead : () => {})
    },
  }
}

/** A reader that waits where another one ends. Its position is that of the restored split, which is not read. */
function endless(
  reader: RedrivenReader<unknown>,
  position: SplitReader<unknown>['position'] extends () => infer P ? P : never,
  whenRead: () => void,
): SplitReader<unknown> {
  let isRead = false
  let close = (): void => {}
  const closed = new Promise<void>((resolve) => (close = resolve))
  return {
    poll: (limit) => {
      const poll = reader.poll(limit)
      if (poll.kind !== 'end') return poll
      if (!isRead) whenRead()
      isRead = true
      return { kind: 'pending', isCaughtUp: true }
    },
    ready: () => (isRead ? closed : Promise.resolve()),
    position: () => position,
    close: async () => close(),
  }
}

function countingSink(sink: Sink<unknown>, take: (value: unknown) => void): Sink<unknown> {
  return {
    ...('applies' in sink ? { applies: sink.applies } : {}),
    kind: sink.kind,
    guarantee: sink.guarantee,
    ...(sink.committableVersion === undefined ? {} : { committableVersion: sink.committableVersion }),
    open: async () => ({
      write: ({ values, length }) => {
        for (let i = 0; i < length; i++) take(values[i])
      },
      prepare: async () => undefined,
      close: async () => {},
    }),
  }
}
