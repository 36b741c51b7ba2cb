import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { EventRow } from '@millrace/control/contract'
import { events, now } from '../live/job.ts'
import { clock } from '../parts/format.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Name, Sentence, visible } from '../parts/name.tsx'
import { Empty } from '../parts/notice.tsx'
import { VirtualTable, type Column } from '../parts/virtual-rows.tsx'
import { Code } from './event-line.tsx'

type Choice = 'all' | 'problems' | 'checkpoints' | 'actions'

const choices: readonly (readonly [Choice, string])[] = [
  ['all', 'All events'],
  ['problems', 'Warnings and errors'],
  ['checkpoints', 'Checkpoints and savepoints'],
  ['actions', 'Actions'],
]

const columns: readonly Column<EventRow>[] = [
  { name: 'At', width: 110, cell: ({ at }) => <time class="num">{clock(at, now.value)}</time> },
  {
    name: 'Level',
    width: 90,
    cell: ({ level }) => <span class={`pill small ${toneOf(level)}`}>{level}</span>,
  },
  {
    name: 'What happened',
    width: 320,
    grow: 1,
    cell: ({ text, code, docs }) => (
      <span class="one-line">
        <Sentence text={text.slice(0, 400)} />
        {code === null ? null : <Code code={code} docs={docs} />}
      </span>
    ),
  },
  { name: 'By', width: 90, cell: ({ by }) => by ?? '' },
]

/** What has happened to the job, the newest first. */
export function EventsPage(): JSX.Element {
  const [choice, setChoice] = useState<Choice>('all')
  const [open, setOpen] = useState<EventRow>()
  const rows = events.value.filter((event) => fits(event, choice)).reverse()
  return (
    <div class="list-page">
      <div class="tools">
        <select
          aria-label="Which events"
          value={choice}
          onChange={(event) => setChoice(event.currentTarget.value as Choice)}
        >
          {choices.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <span class="muted num" role="status">
          {rows.length} events
        </span>
      </div>
      <VirtualTable
        label="Events"
        columns={columns}
        rows={rows}
        keyOf={({ id }) => String(id)}
        onOpen={setOpen}
        empty={<Empty title="No such event">Events of this process are kept, the newest first.</Empty>}
      />
      {open === undefined ? null : <EventDialog event={open} onClose={() => setOpen(undefined)} />}
    </div>
  )
}

function EventDialog({ event, onClose }: { event: EventRow; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={`Event ${event.id}`} onClose={onClose} isWide>
      <p>
        <Sentence text={event.text} />
        {event.code === null ? null : <Code code={event.code} docs={event.docs} />}
      </p>
      <p class="muted">
        {clock(event.at, now.value)}
        {event.operator === null ? null : (
          <>
            {' · operator '}
            <Name text={event.operator} />
          </>
        )}
        {event.checkpoint === null ? '' : ` · checkpoint ${event.checkpoint}`}
        {event.by === null ? '' : ` · by ${visible(event.by, 40)}`}
        {event.asked === null ? '' : ` · asked for ${visible(event.asked, 400)}`}
      </p>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}

function fits({ level, kind }: EventRow, choice: Choice): boolean {
  if (choice === 'problems') return level === 'warning' || level === 'error'
  if (choice === 'checkpoints') return kind.startsWith('checkpoint') || kind.startsWith('savepoint')
  return choice === 'all' || kind.startsWith('action')
}

/** The colour of a level. */
export function toneOf(level: EventRow['level']): string {
  return level === 'error' ? 'bad' : level === 'warning' ? 'warn' : ''
}
