import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { LogLevel, LogRow } from '@millrace/control/contract'
import { logs, now } from '../live/job.ts'
import { clock } from '../parts/format.ts'
import { visible } from '../parts/name.tsx'
import { Empty } from '../parts/notice.tsx'
import { toneOf } from './events.tsx'

const levels: readonly LogLevel[] = ['debug', 'info', 'warning', 'error']
/** More lines than this are not drawn; the search still finds them. */
const shownMax = 500

/** The newest lines of the log. It follows them until it is scrolled up. */
export function LogsPage(): JSX.Element {
  const [level, setLevel] = useState<LogLevel>('debug')
  const [search, setSearch] = useState('')
  const [held, setHeld] = useState<readonly LogRow[]>()
  const list = useRef<HTMLDivElement>(null)
  const isFollowing = useRef(true)
  const wanted = search.toLowerCase()
  const rows = (held ?? logs.value)
    .filter((line) => levels.indexOf(line.level) >= levels.indexOf(level))
    .filter((line) => wanted === '' || line.text.toLowerCase().includes(wanted))
    .slice(-shownMax)
  useEffect(() => {
    const box = list.current
    if (box !== null && isFollowing.current) box.scrollTop = box.scrollHeight
  }, [rows.at(-1)?.id, rows.length])
  return (
    <div class="list-page">
      <div class="tools">
        <select
          aria-label="Lowest level"
          value={level}
          onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}
        >
          {levels.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
        <input
          type="search"
          placeholder="Find in the log"
          aria-label="Find in the log"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <button
          type="button"
          class="button small"
          aria-pressed={held !== undefined}
          onClick={() => setHeld(held === undefined ? logs.value : undefined)}
        >
          {held === undefined ? 'Hold' : 'Follow'}
        </button>
      </div>
      <div
        class="log"
        ref={list}
        tabIndex={0}
        role="log"
        aria-label="Log"
        aria-live="off"
        onScroll={({ currentTarget: box }) =>
          (isFollowing.current = box.scrollHeight - box.scrollTop - box.clientHeight < 40)
        }
      >
        {rows.length === 0 ? (
          <Empty title="No lines">Lines of this level appear here as they are logged.</Empty>
        ) : (
          rows.map(({ id, at, level: each, text }) => (
            <p key={id} class={toneOf(each)}>
              <time class="num">{clock(at, now.value)}</time> <b>{each}</b> <bdi>{visible(text, 2_000)}</bdi>
            </p>
          ))
        )}
      </div>
    </div>
  )
}
