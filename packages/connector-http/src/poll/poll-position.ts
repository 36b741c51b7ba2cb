import type { Json } from '@millrace/core'

/** Where to continue: which page to ask for, and how many of its records were handed out. */
export interface PollPosition {
  readonly [name: string]: Json
  /** How many pages with records came before. */
  readonly page: number
  /** null at the beginning, and without pages. */
  readonly cursor: Json
  /** How many records of the page were handed out. */
  readonly skip: number
  /** The digest of the last answer, if the same is asked for again. */
  readonly digest: string | null
  /** The `ETag` and the `Last-Modified` of the last answer, if the same is asked for again. */
  readonly etag: string | null
  readonly modified: string | null
}

/** Before the first page. */
export const pollStart: PollPosition = {
  page: 0,
  cursor: null,
  skip: 0,
  digest: null,
  etag: null,
  modified: null,
}
