/** The timers of each key, as a user would write it. */
import { fail, output, type TimedStream } from '@millrace/flow'
import { figureOf, foldOf, keyOf, type Item } from './item.ts'
import { deletedBy, dueOf, setBy, timerNumber } from './timer-values.ts'
import type { PartOf } from './topology.ts'

/** The timers that a key has after each record, and those that are left when one of them fires at the end of the input. */
export function timersStream(
  { name, by }: PartOf<'states'>,
  usesClock: boolean,
  input: TimedStream<Item>,
): TimedStream<Item> {
  return input
    .keyBy((item): Item['key'] => keyOf(by, item))
    .process(name, {
      onError: fail(),
      output: output<Item>(),
      onRecord({ key, value }, { timers, emit }) {
        const set = setBy(figureOf(value), usesClock)
        const [time, of] = [dueOf(set.slot), String(set.slot)]
        if (set.domain === 'event') timers.setEvent(time, of)
        else timers.setProcessing(time, of)
        const deleted = deletedBy(figureOf(value))
        if (deleted?.domain === 'event') timers.deleteEvent(dueOf(deleted.slot), String(deleted.slot))
        else if (deleted !== undefined) timers.deleteProcessing(dueOf(deleted.slot), String(deleted.slot))
        emit({ key, value: listed(timers.list()) })
      },
      onTimer({ key, name: of }, { timers, emit }) {
        emit({ key, value: [Number(of), listed(timers.list())] })
      },
      timersAtEnd: 'drop',
    })
}

function listed(
  timers: readonly { readonly domain: 'event' | 'processing'; readonly name: string }[],
): number {
  return foldOf(timers.map(({ domain, name }) => timerNumber({ domain, slot: Number(name) })))
}
