/** What headers say behind operators, from the definition. */
import { headersOf, timerAfterMs, withMark } from './header-values.ts'
import { figureOf, keyOf, type Item } from './item.ts'
import { isPunctual, textOf, type KnownStream } from './known-stream.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if the data do not decide them: a timer may fire before a late record sets it again. */
export function headersAfter(
  { by, how }: PartOf<'headers'>,
  stream: KnownStream,
): readonly Item[] | undefined {
  const items = stream.map(({ value }) => value)
  const marked = (item: Item, figure = figureOf(item)): Item => withMark(item, headersOf(figure) ?? {})
  if (how.through === 'calls') return items.map((item) => marked(marked(item), figureOf(item)))
  if (how.through !== 'process') return items.map((item) => marked(item))
  if (!stream.every(isPunctual)) return undefined
  const timers = new Map<string, Item>()
  for (const { value, time } of stream) {
    const [key, figure] = [keyOf(by, value), figureOf(value)]
    timers.set(`${textOf(key)} ${time + timerAfterMs} ${figure}`, { key, value: figure })
  }
  return [
    ...items.flatMap((item) => [marked(item), marked(item, figureOf(item) + 1)]),
    ...[...timers.values()].flatMap((item) => [withMark(item, {}), marked(item)]),
  ]
}
