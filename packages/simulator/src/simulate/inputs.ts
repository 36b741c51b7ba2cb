import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import { describeError, MillraceError, type RecordHeaders } from '@millrace/core'
import type { ConnectorContext, DecodeFailure, Poll, Source, SplitReader } from '@millrace/core/connector'
import type { Fs } from '@millrace/core/disk'
import type { Graph, SourceNode } from '@millrace/core/graph'
import { SimFs, SimOwners } from '@millrace/testkit'

/** An item of a source: a record, or bytes that cannot be decoded. */
export type InputItem =
  | { readonly kind: 'record'; readonly value: unknown; readonly headers?: RecordHeaders | undefined }
  | ({ readonly kind: 'failure' } & Omit<DecodeFailure, 'index'>)

/** The items of one source by split, in order. */
export type SourceInput = ReadonlyMap<string, readonly InputItem[]>

/** The input of a pipeline, by the names of its sources. */
export type Inputs = ReadonlyMap<string, SourceInput>

/** Records for one source: of its only split, or by split. */
export type GivenInput = readonly unknown[] | Readonly<Record<string, readonly unknown[]>>

/** What to record, and where from. */
export interface RecordingOptions {
  /** Records by source; a source that is named here is not read. */
  readonly given: Readonly<Record<string, GivenInput>>
  /** The maximum number of items from each split. */
  readonly itemsMax: number
  /** Where the pipeline's own sources find their files. Default: an empty disk. */
  readonly fs: Fs | undefined
}

/** The number of event-loop turns without items after which a source counts as read. */
const silentTurnsMax = 100_000
/** Time advances after this many turns without items: reading a file needs several turns, a paced source needs time. */
const turnsPerTimer = 50

/** Reads each source of a graph once, from its beginning. Throws `OPTION_INVALID` for one that brings nothing. */
export async function recordInputs(graph: Graph, options: RecordingOptions): Promise<Inputs> {
  const inputs = new Map<string, SourceInput>()
  for (const node of graph.nodes) {
    if (node.kind !== 'source') continue
    const given = Object.hasOwn(options.given, node.name) ? options.given[node.name] : undefined
    inputs.set(node.name, given === undefined ? await recordSource(node, options) : inputOf(given))
  }
  return inputs
}

/** How many items there are in all. */
export function itemCount(inputs: Inputs): number {
  let count = 0
  for (const input of inputs.values()) for (const items of input.values()) count += items.length
  return count
}

/** The first `share` of each split, from 0 to 1. */
export function shortened(inputs: Inputs, share: number): Inputs {
  const shorter = (input: SourceInput): SourceInput =>
    new Map(Array.from(input, ([split, items]) => [split, items.slice(0, Math.ceil(items.length * share))]))
  return new Map(Array.from(inputs, ([source, input]) => [source, shorter(input)]))
}

function inputOf(given: GivenInput): SourceInput {
  const items = (values: readonly unknown[]): readonly InputItem[] =>
    values.map((value) => ({ kind: 'record', value }))
  if (Array.isArray(given)) return new Map([['all', items(given)]])
  return new Map(Object.entries(given).map(([split, values]) => [split, items(values as readonly unknown[])]))
}

async function recordSource(node: SourceNode, options: RecordingOptions): Promise<SourceInput> {
  const { name, source } = node
  const clock = new ManualClock()
  const stop = new AbortController()
  const context: ConnectorContext = {
    name,
    clock,
    random: seededRandom(0),
    fs: options.fs ?? new SimFs(),
    directory: `recording/${name}`,
    owner: new SimOwners().take(),
    isBounded: true,
    start: { kind: 'first', checkpoint: undefined },
    signal: stop.signal,
    warn: () => {},
    down: () => {},
    trying: () => {},
    up: () => {},
  }
  const input = new Map<string, readonly InputItem[]>()
  try {
    for (const split of await splitsOf(source, context)) {
      const reader = await source.open(split, undefined, context)
      try {
        input.set(split, await recordSplit(reader, clock, options.itemsMax))
      } finally {
        await reader.close()
      }
    }
  } catch (error) {
    throw unrecorded(name, `cannot be read (${describeError(error)})`)
  } finally {
    stop.abort()
    await source.close?.()
  }
  if ([...input.values()].every((items) => items.length === 0)) throw unrecorded(name, 'brings no records')
  return input
}

/** An unbounded source rejects a bounded read; only its beginning is needed here. */
async function splitsOf(source: Source<unknown>, context: ConnectorContext): Promise<readonly string[]> {
  try {
    return (await source.discover(context)).splits
  } catch {
    return (await source.discover({ ...context, isBounded: false })).splits
  }
}

async function recordSplit(
  reader: SplitReader<unknown>,
  clock: ManualClock,
  itemsMax: number,
): Promise<readonly InputItem[]> {
  const items: InputItem[] = []
  while (items.length < itemsMax) {
    const poll = reader.poll(itemsMax - items.length)
    if (poll.kind === 'end') break
    if (poll.kind === 'records') items.push(...itemsOf(poll))
    else if (!(await isReadySoon(reader, clock))) break
  }
  return items.slice(0, itemsMax)
}

function* itemsOf(poll: Extract<Poll<unknown>, { kind: 'records' }>): Generator<InputItem> {
  const failures = [...(poll.failures ?? [])]
  for (let index = 0; index <= poll.values.length; index++) {
    while (failures.length > 0 && failures[0]!.index <= index) {
      const { index: _, ...failure } = failures.shift()!
      yield { kind: 'failure', ...failure }
    }
    if (index < poll.values.length)
      yield { kind: 'record', value: poll.values[index], headers: poll.headers?.[index] }
  }
}

async function isReadySoon(reader: SplitReader<unknown>, clock: ManualClock): Promise<boolean> {
  let isReady = false
  const settle = (): void => {
    isReady = true
  }
  reader.ready().then(settle, settle)
  for (let turn = 1; turn <= silentTurnsMax && !isReady; turn++) {
    await systemScheduler.turn()
    if (!isReady && turn % turnsPerTimer === 0) clock.fireNext()
  }
  return isReady
}

function unrecorded(source: string, what: string): MillraceError {
  return new MillraceError(
    'OPTION_INVALID',
    `source '${source}' ${what}, so there is nothing to simulate with; give it records: inputs: { ${JSON.stringify(source)}: [...] }, or --input ${source}=FILE on the command line`,
  )
}
