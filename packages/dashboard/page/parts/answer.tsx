import type { ComponentChildren, JSX } from 'preact'
import type { Polled } from '../live/polled.ts'
import { FailureNotice, Loading } from './notice.tsx'

interface AnswerProps<Data> {
  readonly of: Polled<Data>
  readonly children: (data: Data) => ComponentChildren
}

/** Shows what the API has answered: until then that it is loading, and an error beside the last answer. */
export function Answer<Data>({ of: { data, failure, reload }, children }: AnswerProps<Data>): JSX.Element {
  return (
    <>
      {failure === undefined ? null : <FailureNotice failure={failure} retry={reload} />}
      {data === undefined ? failure === undefined ? <Loading /> : null : children(data)}
    </>
  )
}
