import type { JSX } from 'preact'
import type { EventRow } from '@millrace/control/contract'
import { now } from '../live/job.ts'
import { clock } from '../parts/format.ts'
import { Sentence } from '../parts/name.tsx'

/** One event as a line: when, what, and where it is explained. */
export function EventLine({ event }: { event: EventRow }): JSX.Element {
  return (
    <span class={`event-line ${event.level}`}>
      <time class="num muted" dateTime={new Date(event.at).toISOString()}>
        {clock(event.at, now.value)}
      </time>
      <span class="event-text">
        <Sentence text={event.text} />
        {event.code === null ? null : <Code code={event.code} docs={event.docs} />}
      </span>
    </span>
  )
}

/** The code of an error, as a link to its page if that is an address of the web. */
export function Code({ code, docs }: { code: string; docs: string | null }): JSX.Element {
  const shown = <code>{code.slice(0, 60)}</code>
  if (docs === null || !/^https?:\/\//.test(docs)) return <> {shown}</>
  return (
    <>
      {' '}
      <a href={docs} rel="noreferrer" target="_blank">
        {shown}
      </a>
    </>
  )
}
