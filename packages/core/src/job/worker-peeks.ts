import { ShownValues } from '../observe/shown-values.ts'
import type { PartOutput, Tap, TapPlace } from '../operator/tap.ts'
import type { Key } from '../record/key.ts'
import { keyToken, tokenKey, type KeyToken } from '../record/key-token.ts'
import type { EventTime } from '../record/time.ts'
import type { Task } from '../task/task.ts'
import type { JobSettings } from './job-options.ts'
import { nextKeyOf } from './peek-outputs.ts'
import type { Peeked, PeekedRecord, PeekRequest } from './peek-request.ts'
import { RateWindow } from './rate-window.ts'

/** A peek that no one has asked for so long is over, in milliseconds: what it was for may have ended without a word. */
const leaseMs = 5_000

type Settings = Pick<JobSettings, 'graph' | 'platform'>

/** An output of one subtask, and the peeks that see it. */
interface TappedOutput {
  readonly task: Task
  readonly output: PartOutput
  readonly peeks: Set<WorkerPeek>
}

/**
 * The peeks at the subtasks of one worker. An output has a tap only as long as a peek looks at it: invariant between any two calls.
 */
export class WorkerPeeks {
  readonly #settings: Settings
  readonly #peeks = new Map<number, { readonly peek: WorkerPeek; lease: Disposable }>()
  /** By task, part and output. */
  readonly #tapped = new Map<string, TappedOutput>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** What a peek has seen since the last call; the first one begins it. */
  take(request: PeekRequest, tasks: readonly Task[]): Peeked {
    const { id } = request
    const known = this.#peeks.get(id)
    known?.lease[Symbol.dispose]()
    const peek = known?.peek ?? this.#begin(request, tasks)
    this.#peeks.set(id, { peek, lease: this.#settings.platform.clock.schedule(leaseMs, () => this.end(id)) })
    return peek.take()
  }

  end(id: number): void {
    const known = this.#peeks.get(id)
    if (known === undefined) return
    known.lease[Symbol.dispose]()
    this.#peeks.delete(id)
    for (const [name, tapped] of this.#tapped) {
      if (!tapped.peeks.delete(known.peek)) continue
      this.#tap(tapped)
      if (tapped.peeks.size === 0) this.#tapped.delete(name)
    }
  }

  /** Ends all. */
  clear(): void {
    for (const id of this.#peeks.keys()) this.end(id)
  }

  #begin(request: PeekRequest, tasks: readonly Task[]): WorkerPeek {
    const peek = new WorkerPeek(request, this.#settings)
    for (const [at, task] of tasks.entries()) {
      for (const output of request.outputs) {
        const name = JSON.stringify([at, output.part, output.output])
        const tapped = this.#tapped.get(name) ?? { task, output, peeks: new Set() }
        this.#tapped.set(name, tapped)
        tapped.peeks.add(peek)
        this.#tap(tapped)
      }
    }
    return peek
  }

  /** Taps an output for its peeks; without one it is as before. */
  #tap({ task, output, peeks }: TappedOutput): void {
    const { subtask } = task.metrics
    const taps = Array.from(peeks, (peek) => peek.tapOf(output, subtask))
    const [only] = taps
    const all: Tap = (value, time, place) => {
      for (const tap of taps) tap(value, time, place)
    }
    task.tap?.(output, taps.length > 1 ? all : only)
  }
}

/** One peek: chooses among the records that it sees, and copies those that it shows. */
class WorkerPeek {
  readonly #request: PeekRequest
  readonly #settings: Settings
  readonly #wanted: KeyToken | undefined
  readonly #window: RateWindow
  readonly #shown: ShownValues
  #records: PeekedRecord[] = []
  #seen = 0
  #matched = 0

  constructor(request: PeekRequest, settings: Settings) {
    this.#request = request
    this.#settings = settings
    this.#wanted = request.key && keyToken(request.key.is)
    this.#window = new RateWindow(request.perSecond)
    this.#shown = new ShownValues(request.redact)
  }

  take(): Peeked {
    const peeked = { records: this.#records, seen: this.#seen, matched: this.#matched }
    this.#records = []
    this.#seen = 0
    this.#matched = 0
    return peeked
  }

  tapOf(output: PartOutput, subtask: number): Tap {
    const { clock } = this.#settings.platform
    const nextKey = nextKeyOf(this.#settings.graph, output)
    return (value, time, place) => {
      this.#seen++
      if (this.#wanted !== undefined && keyAt(place, value, nextKey) !== this.#wanted) return
      this.#matched++
      if (!this.#window.admits(clock.monotonic())) return
      const key = keyAt(place, value, nextKey)
      this.#records.push(this.#record({ value, time, headers: place.headers, key, output, subtask }))
      // No one has asked for a second.
      if (this.#records.length > this.#request.perSecond) this.#records.shift()
    }
  }

  #record(seen: {
    readonly value: unknown
    readonly time: EventTime
    readonly headers: TapPlace['headers']
    readonly key: KeyToken | undefined
    readonly output: PartOutput
    readonly subtask: number
  }): PeekedRecord {
    const { value, time, headers, key, output, subtask } = seen
    return {
      operator: output.part,
      output: output.output,
      subtask,
      at: this.#settings.platform.clock.now(),
      time: Number.isFinite(time) ? time : null,
      ...(key === undefined ? {} : { key: this.#shown.key(tokenKey(key)) }),
      headers: this.#shown.headers(headers),
      value: this.#shown.value(value),
    }
  }
}

/** The key of a record: the one that it is emitted under, or what the next operator with a key selects. */
function keyAt(
  { key }: TapPlace,
  value: unknown,
  nextKey: ((value: unknown) => Key) | undefined,
): KeyToken | undefined {
  if (key !== undefined || nextKey === undefined) return key
  try {
    return keyToken(nextKey(value))
  } catch {
    // The operator that selects it meets the same error, and its policy says what happens then.
    return undefined
  }
}
