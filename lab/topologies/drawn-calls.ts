/** Calls with limits, and calls that are repeated or replaced, as a user would write them. */
import { skip, type AsyncOptions, type TimedStream } from '@millrace/flow'
import { answerOf, failsAlways, replacementOf } from './call-values.ts'
import { figureOf, type Item } from './item.ts'
import { textOf } from './known-stream.ts'
import type { Calls } from './last-shapes.ts'
import { followed, numbered, oneByOne, type Numbered } from './numbered.ts'
import type { PartOf } from './topology.ts'

type Answer = Numbered & { readonly answer: Item }
type Options = AsyncOptions<Numbered, Answer>

/** The answers. Throws at a result that is out of its order. */
export function callsStream({ name, by, how }: PartOf<'calls'>, input: TimedStream<Item>): TimedStream<Item> {
  const records = numbered(name, input, by)
  const { order, concurrency } = how
  const options: Options = { concurrency, ...optionsOf(how) }
  const call = callOf(how)
  const answers =
    order === 'key'
      ? records.keyBy(({ key }) => key).mapAsync(name, call, options)
      : records.mapAsync(name, call, { order, ...options })
  if (order === 'none') return answers.map(({ answer }) => answer)
  return followed(
    name,
    answers.map(({ answer, ...record }) => ({ ...record, item: answer })),
    oneByOne,
    { onEach: ({ emit, next }) => emit(next.item) },
  )
}

function optionsOf({ limit }: Calls): Options {
  switch (limit.kind) {
    case 'bulkhead': {
      const { groups, concurrency, calls } = limit
      return {
        bulkhead: {
          by: ({ item }) => figureOf(item) % groups,
          ...(concurrency !== undefined && { concurrency }),
          ...(calls !== undefined && { rate: { calls, per: 5 } }),
        },
      }
    }
    case 'rate':
      return { rate: { calls: limit.calls, per: 5 } }
    case 'hedge':
      return { hedgeAfter: limit.afterMs }
    case 'retry': {
      const retry = { attempts: 1_000, firstDelay: 1, longestDelay: 4 }
      return { retry, ...(limit.breaks && { breaker: { failures: 2, openFor: 3 } }) }
    }
    case 'fallback': {
      const retry = { attempts: 2, firstDelay: 1 }
      return {
        onError: skip(),
        retry,
        fallback: (record) => ({ ...record, answer: replacementOf(record.item) }),
      }
    }
  }
}

/** With `retry` the first call for a record fails, and with `fallback` every call for some. */
function callOf({ limit }: Calls): (record: Numbered) => Promise<Answer> {
  const failed = new Set<string>()
  return async (record) => {
    const { item, n, key } = record
    for (let hop = figureOf(item) % 4; hop > 0; hop--) await Promise.resolve()
    const name = `${textOf(key)} ${n}`
    if (limit.kind === 'retry' && !failed.has(name)) {
      failed.add(name)
      throw new Error(`the first call for ${name} fails`)
    }
    if (limit.kind === 'fallback' && failsAlways(item)) throw new Error(`calls for ${name} fail`)
    return { ...record, answer: answerOf(item) }
  }
}
