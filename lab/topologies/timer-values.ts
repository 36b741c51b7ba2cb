/** The timers that drawn records set and delete: the same code for the engine and for the oracle. */

/** How many timers a key has at most of each clock. */
const slots = 12

/** A timer of a key. */
export interface SlotTimer {
  readonly domain: 'event' | 'processing'
  readonly slot: number
}

/** The timer that a record sets. */
export function setBy(figure: number, usesClock: boolean): SlotTimer {
  return { domain: usesClock && figure % 5 < 2 ? 'processing' : 'event', slot: figure % slots }
}

/** The timer that a record deletes; undefined: none. */
export function deletedBy(figure: number): SlotTimer | undefined {
  return figure % 3 === 0
    ? { domain: figure % 2 === 0 ? 'event' : 'processing', slot: (figure * 7) % slots }
    : undefined
}

/** When a timer is due, behind the end of the input: two have the same time. */
export function dueOf(slot: number): number {
  return 8e15 + Math.floor(slot / 2)
}

/** A number for each timer. */
export function timerNumber({ domain, slot }: SlotTimer): number {
  return domain === 'event' ? slot : slot + slots
}
