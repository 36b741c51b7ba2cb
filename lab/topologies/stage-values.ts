/** How drawn patterns read their events, and what comes of a match: the same code for the engine and for the oracle. */
import { eventsOf, type Path } from '../../packages/flow/test/pattern-reference.ts'
import { figureOf, keyOf, type Grouping, type Item } from './item.ts'

const letters = 'abcd'

/** The letter of an event, which the conditions of stages name. */
export function letterOf(item: Item): string {
  return letters[figureOf(item) % letters.length]!
}

/** What rises in stages whose events must rise. */
export function rankOf(item: Item): number {
  return Math.floor(figureOf(item) / letters.length) % 5
}

/** The figures of each stage, behind its number. A partial match whose time was over begins with another number. */
export function stagesValue(stages: readonly (readonly Item[])[], isTimedOut: boolean): readonly number[] {
  const figures = stages.flatMap((items, index) => [-1 - index, ...items.map(figureOf)])
  return isTimedOut ? [-100, ...figures] : figures
}

/** What is shown of a late record. */
export function lateItem(by: Grouping, item: Item): Item {
  return { key: keyOf(by, item), value: [-200, figureOf(item)] }
}

/** The items of each stage of a path. */
export function itemsOf(
  path: Path,
  names: readonly string[],
  items: readonly Item[],
): readonly (readonly Item[])[] {
  return names.map((name) => eventsOf(path, name).map((event) => items[event]!))
}
