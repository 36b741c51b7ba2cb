import type { KeyToken } from '../record/key-token.ts'
import type { EventTime } from '../record/time.ts'

/** What is remembered of a record that was traced. */
interface RememberedSpan {
  readonly traceparent: string
  readonly time: EventTime
  readonly input: number
}

/** A span has this many links at most; the latest are kept. */
const mostPerKey = 32
const mostKeys = 1_024

/**
 * The spans of the records that an operator has handled, by key, for the links of results that come of them later.
 *
 * They are not state: a restart forgets them, and so does an operator with very many keys that are traced.
 */
export class SpanMemory {
  readonly #spans = new Map<KeyToken, RememberedSpan[]>()

  get isEmpty(): boolean {
    return this.#spans.size === 0
  }

  add(key: KeyToken, span: RememberedSpan): void {
    const spans = this.#spans.get(key) ?? []
    spans.push(span)
    if (spans.length > mostPerKey) spans.shift()
    // The keys that were seen last are kept.
    this.#spans.delete(key)
    this.#spans.set(key, spans)
    if (this.#spans.size > mostKeys) this.#spans.delete(this.#spans.keys().next().value!)
  }

  /** The spans of a key with times from `from` to before `until`. */
  between(key: KeyToken, from: EventTime, until: EventTime): readonly string[] {
    const spans = this.#spans.get(key) ?? []
    return spans.filter(({ time }) => !(time < from || time >= until)).map(({ traceparent }) => traceparent)
  }

  /** The spans of a key from other inputs than `input`. */
  ofOthers(key: KeyToken, input: number): readonly string[] {
    const spans = this.#spans.get(key) ?? []
    return spans.filter((span) => span.input !== input).map(({ traceparent }) => traceparent)
  }

  /** Forgets the spans of a key with times before `time`. */
  forget(key: KeyToken, time: EventTime): void {
    const spans = this.#spans.get(key)
    if (spans === undefined) return
    const kept = spans.filter((span) => !(span.time < time))
    if (kept.length === 0) this.#spans.delete(key)
    else this.#spans.set(key, kept)
  }
}
