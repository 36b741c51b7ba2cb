/** A model of a drawn `process` for the records of one key, over plain values and lists. */
import type { ListState, MapState, ValueState } from '@millrace/core/operator'
import type { Group, KnownOutputs, KnownRecord } from './known-stream.ts'
import { onRecord, onTimer, type Hands } from './program.ts'
import type { PartOf } from './topology.ts'

/** The results for one key; undefined if the data do not determine them. */
export function processOf(
  part: PartOf<'process'>,
  group: Group,
  isPoison: (record: KnownRecord) => boolean,
): KnownOutputs | undefined {
  const { timers, tellsWatermark } = part.program
  const hasTimers = timers !== 'none'
  const needsWatermark = hasTimers || tellsWatermark === true
  if (!group.isOrdered || (needsWatermark && group.records.some(({ under }) => under === undefined)))
    return undefined
  const key = new KeyedRun(part, group)
  const poisoned: KnownRecord[] = []
  for (const record of group.records) {
    if (hasTimers) key.fireUpTo(record.under!)
    if (isPoison(record)) poisoned.push(record)
    else key.handle(record)
  }
  key.fireUpTo(Number.POSITIVE_INFINITY)
  return { main: key.main, side: key.side, poisoned }
}

interface SetTimer {
  readonly time: number
  readonly name: string
}

class KeyedRun {
  readonly main: KnownRecord[] = []
  readonly side: KnownRecord[] = []
  readonly #part: PartOf<'process'>
  readonly #group: Group
  /** In the order in which they were set. */
  #timers: SetTimer[] = []
  /** The position of a result of the current record or timer. */
  #place: Omit<KnownRecord, 'value'> | undefined
  readonly #hands: Hands

  constructor(part: PartOf<'process'>, group: Group) {
    this.#part = part
    this.#group = group
    this.#hands = {
      value: plainValue(),
      list: plainList(),
      map: plainMap(),
      due: plainValue(),
      watermark: () => this.#place!.under!,
      setTimer: (time, name) => {
        const isSet = this.#timers.some((timer) => timer.time === time && timer.name === name)
        if (!isSet) this.#timers.push({ time, name })
      },
      deleteTimer: (time, name) => {
        this.#timers = this.#timers.filter((timer) => timer.time !== time || timer.name !== name)
      },
      emit: (value) => this.main.push({ ...this.#place!, value }),
      emitAt: (time, value) => this.main.push({ ...this.#place!, time, value }),
      side: (value, time) =>
        this.side.push({ ...this.#place!, time: time + (part.program.sideAheadMs ?? 0), value }),
    }
  }

  handle({ value, time, under, isOnTime }: KnownRecord): void {
    this.#place = { time, line: this.#line, under, isOnTime }
    onRecord(this.#part.program, value, time, this.#hands)
  }

  /** Timers fire by time, and timers of the same time in the order in which they were set. */
  fireUpTo(watermark: number): void {
    for (;;) {
      const due = this.#timers.filter(({ time }) => time <= watermark).sort((a, b) => a.time - b.time)[0]
      if (due === undefined) return
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#place = { time: due.time, line: this.#line, under: undefined, isOnTime: true }
      onTimer(this.#part.program, { key: this.#group.key, ...due }, this.#hands)
    }
  }

  get #line(): string {
    return `${this.#part.name} ${this.#group.token}`
  }
}

function plainValue(): ValueState<number> {
  let value: number | undefined
  return { get: () => value, set: (next) => void (value = next), clear: () => void (value = undefined) }
}

function plainList(): ListState<number> {
  let list: number[] = []
  return {
    get: () => list,
    add: (value) => void list.push(value),
    set: (values) => void (list = [...values]),
    clear: () => void (list = []),
  }
}

function plainMap(): MapState<number, number> {
  const map = new Map<number, number>()
  return {
    get: (name) => map.get(name),
    has: (name) => map.has(name),
    set: (name, value) => void map.set(name, value),
    delete: (name) => void map.delete(name),
    entries: () => map.entries(),
    get size() {
      return map.size
    },
    clear: () => map.clear(),
  }
}
