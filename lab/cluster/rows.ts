/** What a job must have written: worked out over all input at once, with nothing that the engine uses. */
import { closingTime, itemsOf, type Item, type PartSpec, type Scenario } from './scenario.ts'

/** A result, as it is in the output topic. */
export interface Row {
  /** The part of the job that has written it. */
  readonly part: string
  readonly key: string
  readonly text: string
}

/** The name of a part: that of its nodes begins with it. */
export function partName({ kind }: PartSpec, index: number): string {
  return `${kind.replaceAll(' ', '-')}-${index}`
}

/** All results, in no order; those of one key of an ordered part are in their order. */
export function expectedRows(scenario: Scenario): readonly Row[] {
  const inputs = scenario.inputs.map((spec) => itemsOf(scenario.seed, spec).flat())
  return scenario.parts.flatMap((spec, index) => {
    const [first, second = []] = spec.inputs.map((input) => inputs[input]!)
    const { disorderMs } = scenario.inputs[spec.inputs[0]!]!
    const part = partName(spec, index)
    return resultsOf(spec, first ?? [], second, disorderMs).map(([key, text]) => ({ part, key, text }))
  })
}

/** Whether the results of one key of this part come in one order. */
export function isOrdered({ kind }: PartSpec): boolean {
  return kind === 'running' || kind === 'regrouped' || kind === 'union' || kind === 'ledger'
}

type Result = readonly [key: string, text: string]

function resultsOf(
  spec: PartSpec,
  first: readonly Item[],
  second: readonly Item[],
  disorderMs: number,
): readonly Result[] {
  const { sizeMs } = spec
  switch (spec.kind) {
    case 'copy':
      return first.map(({ key, id }) => [key, id])
    case 'windows':
      return windows(first, sizeMs)
    case 'late windows':
      return windows(onTime(first, sizeMs, disorderMs), sizeMs)
    case 'timers':
      return spans(first, ({ key }) => key, sizeMs).map(({ key, start, items }) => [
        key,
        `${start + sizeMs} ${items.length}`,
      ])
    case 'running':
    case 'ledger':
      return counted(first.map(({ key }) => key))
    case 'regrouped':
      // The running counts of all keys, counted again by what remains of them.
      return counted(counted(first.map(({ key }) => key)).map(([, text]) => regroupedKey(Number(text))))
    case 'union':
      return counted([...first, ...second].map(({ key }) => key))
    case 'join':
      return first.flatMap((left) =>
        second
          .filter(({ key, at }) => key === left.key && Math.abs(at - left.at) <= sizeMs)
          .map(({ id }): Result => [left.key, `${left.id} ${id}`]),
      )
    case 'broadcast':
      return spans(first, ({ key }) => key, Infinity).map(({ key, items }) => [
        key,
        `${closingTime} ${items.length} ${second.length} ${total(second)}`,
      ])
    case 'windows of windows': {
      const inner = spans(first, ({ key }) => key, sizeMs)
      // A result has the time of the last moment of its window.
      const results = inner.map(({ start, items }) => ({ n: items.length, at: start + sizeMs - 1 }))
      return spans(results, ({ n }) => String(n), 4 * sizeMs).map(({ key, start, items }) => [
        key,
        `${start} ${items.length}`,
      ])
    }
    case 'window of all':
      return spans(first, () => 'all', sizeMs).map(({ start, items }) => [
        'all',
        `${start} ${items.length} ${total(items)}`,
      ])
  }
}

function windows(items: readonly Item[], sizeMs: number): readonly Result[] {
  return spans(items, ({ key }) => key, sizeMs).map(({ key, start, items: members }) => [
    key,
    `${start} ${members.length} ${total(members)}`,
  ])
}

/** Those whose windows are open when they come: a window is closed by the records before that are so much newer. */
function onTime(items: readonly Item[], sizeMs: number, disorderMs: number): readonly Item[] {
  let newest = Number.NEGATIVE_INFINITY
  return items.filter(({ at }) => {
    const watermark = newest - disorderMs
    newest = Math.max(newest, at)
    return (Math.floor(at / sizeMs) + 1) * sizeMs > watermark
  })
}

/** The key under which a running count is counted again. */
export function regroupedKey(count: number): string {
  return `c${count % 5}`
}

/** Numbers the occurrences of each key, from 1. */
function counted(keys: readonly string[]): readonly Result[] {
  const counts = new Map<string, number>()
  return keys.map((key) => {
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return [key, String(count)]
  })
}

/** What is in the windows of each key. */
function spans<T extends { readonly at: number }>(
  items: readonly T[],
  keyOf: (item: T) => string,
  sizeMs: number,
): readonly { readonly key: string; readonly start: number; readonly items: readonly T[] }[] {
  const windows = new Map<string, { key: string; start: number; items: T[] }>()
  for (const item of items) {
    const start = sizeMs === Infinity ? 0 : Math.floor(item.at / sizeMs) * sizeMs
    const key = keyOf(item)
    const name = `${key} ${start}`
    const window = windows.get(name) ?? { key, start, items: [] }
    windows.set(name, window)
    window.items.push(item)
  }
  return [...windows.values()]
}

function total(items: readonly { readonly n: number }[]): number {
  return items.reduce((sum, { n }) => sum + n, 0)
}
