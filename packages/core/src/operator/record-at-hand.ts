import { carriedHeaders, noHeaders, type RecordHeaders } from '../record/headers.ts'
import type { Key } from '../record/key.ts'
import type { EventTime } from '../record/time.ts'
import type { HeaderPlace } from './fuse.ts'
import type { StreamRecord } from './operator.ts'

/** The record that an operator handles. Most never look at its headers, which cost nothing until they do. */
export class RecordAtHand implements StreamRecord<unknown> {
  value: unknown = undefined
  time: EventTime = 0.5
  key: Key | undefined = undefined
  /** Whether the operator has set the headers of what it emits. */
  hasSetHeaders = false
  readonly #place: HeaderPlace
  /** The headers of the record, while others are set. */
  #own: RecordHeaders | undefined

  constructor(place: HeaderPlace) {
    this.#place = place
  }

  get headers(): RecordHeaders {
    return (this.hasSetHeaders ? this.#own : this.#place.headers) ?? noHeaders
  }

  /** Sets the headers of what the current call emits from now on. */
  setHeaders(headers: RecordHeaders | undefined): void {
    const carried = carriedHeaders(headers)
    if (!this.hasSetHeaders) this.#own = this.#place.headers
    this.hasSetHeaders = true
    this.#place.headers = carried
  }

  /** The call has ended: what other operators do with the record does not depend on what this one has set. */
  putBackHeaders(): void {
    this.#place.headers = this.#own
    this.#own = undefined
    this.hasSetHeaders = false
  }
}
