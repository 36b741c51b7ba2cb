/** What drawn calls return: the same code for the engine and for the oracle. */
import { figureOf, type Item } from './item.ts'

/** What a call returns for an item. */
export function answerOf(item: Item): Item {
  return { key: item.key, value: (figureOf(item) * 3 + 1) % 1_000 }
}

/** Whether every call for an item fails, where there is a result for such items. */
export function failsAlways(item: Item): boolean {
  return figureOf(item) % 5 === 0
}

/** The result for an item whose calls have failed. */
export function replacementOf(item: Item): Item {
  return { key: item.key, value: [figureOf(item)] }
}
