import type { ComponentChildren, JSX } from 'preact'
import type { ApiFailure } from '../live/api.ts'
import { Sentence } from './name.tsx'

/** What a page shows in place of content: nothing there yet, or nothing at all. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  )
}

/** An error of the API, with what to do. */
export function FailureNotice({ failure, retry }: { failure: ApiFailure; retry?: () => void }): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <p>
        <Sentence text={failure.message} /> <code>{failure.code}</code>
      </p>
      {retry === undefined ? null : (
        <button type="button" class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Shown until the first answer is there. */
export function Loading(): JSX.Element {
  return (
    <p class="loading" role="status">
      Loading…
    </p>
  )
}
