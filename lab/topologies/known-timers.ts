/** The timers of a key, from their definition. */
import { foldOf } from './item.ts'
import { deletedBy, dueOf, setBy, timerNumber, type SlotTimer } from './timer-values.ts'

/** What the timers of a key show for its figures in order, and at the end of the input. */
export function timersOf(usesClock: boolean, figures: readonly number[]): readonly unknown[] {
  /** In the order in which they were set. */
  let timers: readonly SlotTimer[] = []
  const shown: unknown[] = figures.map((figure) => {
    const set = setBy(figure, usesClock)
    if (!timers.some((each) => timerNumber(each) === timerNumber(set))) timers = [...timers, set]
    const deleted = deletedBy(figure)
    if (deleted !== undefined) timers = timers.filter((each) => timerNumber(each) !== timerNumber(deleted))
    return listed(timers)
  })
  const due = inOrder(timers.filter(({ domain }) => domain === 'event'))
  // Timers of the clock are dropped when all those of event time have fired.
  const others = timers.filter(({ domain }) => domain === 'processing')
  return [...shown, ...due.map(({ slot }, index) => [slot, listed([...due.slice(index + 1), ...others])])]
}

function inOrder(timers: readonly SlotTimer[]): readonly SlotTimer[] {
  return timers.toSorted((a, b) => dueOf(a.slot) - dueOf(b.slot))
}

/** Those of event time first, each in the order in which they fire. */
function listed(timers: readonly SlotTimer[]): number {
  const of = (domain: SlotTimer['domain']): readonly SlotTimer[] =>
    inOrder(timers.filter((each) => each.domain === domain))
  return foldOf([...of('event'), ...of('processing')].map(timerNumber))
}
