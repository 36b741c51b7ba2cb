import { noHeaders, type RecordHeaders } from '@millrace/core'

/** The headers of a record that an operator keeps to emit it later. */
export interface KeptHeaders {
  /** Absent if it has none, and in state of versions without headers. */
  readonly headers?: RecordHeaders
}

/** The headers of a record as a part of what is kept of it. */
export function kept(headers: RecordHeaders): KeptHeaders {
  return headers === noHeaders ? {} : { headers }
}
