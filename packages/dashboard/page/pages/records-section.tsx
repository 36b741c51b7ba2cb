import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { PeekEnd, PeekProgress, PeekRecord } from '@millrace/control/contract'
import type { ApiFailure } from '../live/api.ts'
import { jobName, mayPeek } from '../live/job.ts'
import { followRecords } from '../live/records.ts'
import { clock, exact } from '../parts/format.ts'
import { Name, visible } from '../parts/name.tsx'
import { FailureNotice } from '../parts/notice.tsx'

const shownRecords = 50
const shownValue = 2_000
/** What the page asks for: a person reads no faster, and may look away. */
const asked = { rate: 5, seconds: 300, limit: 10_000 }

interface Seen {
  /** The newest first, each with its number. */
  readonly records: readonly { readonly number: number; readonly record: PeekRecord }[]
  readonly progress: PeekProgress | PeekEnd | undefined
  readonly failure: ApiFailure | undefined
}

const nothing: Seen = { records: [], progress: undefined, failure: undefined }

/** The newest records that an operator emits, while they are asked for. */
export function RecordsSection({ operator }: { operator: string }): JSX.Element | null {
  const [key, setKey] = useState('')
  /** The key that is looked for, as typed; undefined while nothing is shown. */
  const [following, setFollowing] = useState<{ readonly key: string }>()
  const [seen, setSeen] = useState(nothing)
  useEffect(() => {
    if (following === undefined) return
    const abort = new AbortController()
    let number = 0
    const listener = {
      onRecord: (record: PeekRecord) =>
        setSeen((old) => ({
          ...old,
          records: [{ number: number++, record }, ...old.records].slice(0, shownRecords),
        })),
      onProgress: (progress: PeekProgress | PeekEnd) => setSeen((old) => ({ ...old, progress })),
      onEnd: (failure: ApiFailure | undefined) => {
        setSeen((old) => ({ ...old, failure }))
        setFollowing(undefined)
      },
    }
    setSeen(nothing)
    const parts = { job: jobName.value ?? '', operator }
    void followRecords(parts, { ...asked, key: following.key }, listener, abort.signal)
    return () => abort.abort()
  }, [following])
  if (!mayPeek()) return null
  return (
    <section aria-label="Records">
      <h3>Records</h3>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault()
          setFollowing(following === undefined ? { key } : undefined)
        }}
      >
        <input
          type="search"
          aria-label="Only records of this key"
          placeholder="All keys"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <button type="submit" class="button small">
          {following === undefined ? 'Show records' : 'Stop'}
        </button>
      </form>
      <Progress seen={seen} isFollowing={following !== undefined} />
      {seen.records.length === 0 ? null : (
        <ol class="records" tabIndex={0} aria-label="Newest records">
          {seen.records.map(({ number, record }) => (
            <Row key={number} record={record} />
          ))}
        </ol>
      )}
    </section>
  )
}

const reasons: Readonly<Record<PeekEnd['reason'], string>> = {
  limit: 'Enough were shown.',
  time: 'Five minutes are over.',
  job: 'The job has ended.',
}

/** How many records have passed, and why no more come. */
function Progress({
  seen: { progress, failure },
  isFollowing,
}: {
  seen: Seen
  isFollowing: boolean
}): JSX.Element {
  if (failure !== undefined) return <FailureNotice failure={failure} />
  if (progress === undefined) {
    return (
      <p class="muted">{isFollowing ? 'Waits for records…' : 'A sample of what it emits, as it passes.'}</p>
    )
  }
  const { shown, matched, seen } = progress
  const ofKey = matched === seen ? '' : `${exact(matched)} of this key among `
  return (
    <p class="muted num">
      {exact(shown)} shown of {ofKey}
      {exact(seen)} that passed.{'reason' in progress ? ` ${reasons[progress.reason]}` : ''}
    </p>
  )
}

function Row({ record }: { record: PeekRecord }): JSX.Element {
  const { at, subtask, time, headers, value } = record
  const headersText = Object.keys(headers).length === 0 ? '' : JSON.stringify(headers)
  return (
    <li>
      <p class="muted num">
        {clock(at)} · #{subtask}
        {'key' in record ? (
          <>
            {' '}
            · key <Name text={textOf(record.key)} length={60} />
          </>
        ) : null}
        {time === null ? '' : ` · event time ${clock(time)}`}
      </p>
      <pre>{visible(textOf(value), shownValue)}</pre>
      {headersText === '' ? null : <pre class="muted">{visible(headersText, shownValue)}</pre>}
    </li>
  )
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
