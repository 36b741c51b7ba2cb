import { MillraceError } from '@millrace/core'
import { subtaskOfRecord, subtaskOfSplit, type ConnectorContext, type Source } from '@millrace/core/connector'
import type { OperatorNode, Seed, SourceNode } from '@millrace/core/graph'

/** One of the parts into which the work of a job is divided. */
export interface LeaseShare {
  /** The number of the lease, from 0. */
  readonly lease: number
  readonly leases: number
  /** As in the options of the job: keys and splits belong to leases by their groups. */
  readonly keyGroups: number
}

/**
 * A source that reads those splits which the subtask with the number of the lease would read. Throws `GRAPH_INVALID` for a source that exists
 * once in a process: a port, standard input, a feed of the program.
 */
export function leaseSource(node: SourceNode, pipeline: string, share: LeaseShare): SourceNode {
  const { source, name } = node
  if (source.needsMainThread === true) {
    throw invalid(
      pipeline,
      `source '${name}' (${source.kind}) is in one process, and other workers cannot read it; let a job of its own, on one machine, write its records to a topic, and read that`,
    )
  }
  return { ...node, source: ownSplits(source, share) }
}

/** An operator that begins with the rows of the keys of one lease. Throws `GRAPH_INVALID` for one with a view. */
export function leaseOperator(node: OperatorNode, pipeline: string, share: LeaseShare): OperatorNode {
  if (node.view !== undefined) {
    throw invalid(
      pipeline,
      `view '${node.view.name}' would show in each worker only the keys that this one has; write the table to a sink, or read state over the HTTP API`,
    )
  }
  return node.seed === undefined ? node : { ...node, seed: ownRows(node.seed, share) }
}

function ownSplits(source: Source<unknown>, { lease, leases, keyGroups }: LeaseShare): Source<unknown> {
  const { maxOpenReaders } = source
  const isOwn = (split: string): boolean =>
    source.isInDirectory?.(split) === true || subtaskOfSplit(split, leases, keyGroups) === lease
  return delegate(source, {
    ...(maxOpenReaders !== undefined && { maxOpenReaders: Math.max(1, Math.floor(maxOpenReaders / leases)) }),
    discover: async (context: ConnectorContext) => {
      const { splits, isComplete } = await source.discover(context)
      return { splits: splits.filter(isOwn), isComplete }
    },
  })
}

/** Every lease reads all rows and keeps those of its keys. */
function ownRows(seed: Seed, { lease, leases, keyGroups }: LeaseShare): Seed {
  const { rows, keyOf } = seed
  // A row without a key is kept: the operator reports it.
  const isOwn = (row: unknown): boolean => {
    const owner = subtaskOfRecord(row, keyOf, leases, keyGroups)
    return owner === lease
  }
  if (typeof rows !== 'function') return { ...seed, rows: filtered(rows, isOwn) }
  return {
    ...seed,
    rows: async function* () {
      for await (const row of rows()) if (isOwn(row)) yield row
    },
  }
}

function filtered(source: Source<unknown>, isOwn: (row: unknown) => boolean): Source<unknown> {
  return delegate(source, {
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return {
        poll: (limit) => {
          const poll = reader.poll(limit)
          if (poll.kind !== 'records') return poll
          const { failures = [] } = poll
          return { kind: 'records', values: poll.values.filter(isOwn), failures }
        },
        ready: () => reader.ready(),
        position: () => reader.position(),
        close: () => reader.close(),
      }
    },
  })
}

/** A source that answers some questions in another way, and asks the given one for the rest. */
function delegate(source: Source<unknown>, own: Partial<Source<unknown>>): Source<unknown> {
  const { kind, durability, positionVersion, discoverEveryMs, maxOpenReaders, hasHeaders } = source
  return {
    kind,
    durability,
    ...(positionVersion !== undefined && { positionVersion }),
    ...(discoverEveryMs !== undefined && { discoverEveryMs }),
    ...(maxOpenReaders !== undefined && { maxOpenReaders }),
    ...(hasHeaders !== undefined && { hasHeaders }),
    ...(source.decode && { decode: (raw) => source.decode!(raw) }),
    ...(source.isInDirectory && { isInDirectory: (split) => source.isInDirectory!(split) }),
    ...(source.splitLabel && { splitLabel: (split) => source.splitLabel!(split) }),
    ...(source.changed && { changed: (splits, context) => source.changed!(splits, context) }),
    ...(source.gone && { gone: (splits, context) => source.gone!(splits, context) }),
    ...(source.close && { close: () => source.close!() }),
    ...(source.ended && { ended: (error) => source.ended!(error) }),
    discover: (context) => source.discover(context),
    open: (split, from, context) => source.open(split, from, context),
    ...own,
  }
}

function invalid(pipeline: string, what: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', `pipeline '${pipeline}' cannot run in several leases: ${what}`)
}
