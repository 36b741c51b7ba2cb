import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LetterGroups, LetterPage, LetterRow, LetterSelection } from '@millrace/control/contract'
import { jobName, may, now } from '../live/job.ts'
import { usePolled } from '../live/polled.ts'
import { clock, exact } from '../parts/format.ts'
import { Name, visible } from '../parts/name.tsx'
import { Answer } from '../parts/answer.tsx'
import { Empty } from '../parts/notice.tsx'
import { goTo } from '../parts/router.ts'
import { VirtualTable, type Column } from '../parts/virtual-rows.tsx'
import { LetterDialog } from './letter-dialog.tsx'
import { LetterActions } from './letter-actions.tsx'

const limit = 500

/** The dead letters that the job keeps: why they failed, and a second try for them. */
export function LettersPage({ selected }: { selected: string }): JSX.Element {
  const job = jobName.value ?? ''
  const [code, setCode] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [open, setOpen] = useState<LetterRow>()
  const letters = usePolled<LetterPage>('letters', { job }, { operator: selected, code, limit }, 5_000)
  const groups = usePolled<LetterGroups>('letterGroups', { job }, {}, 5_000)
  const toggle = (id: string): void => {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    setChosen(next)
  }
  const select = (operator: string, withCode: string): void => {
    setChosen(new Set())
    setCode(withCode)
    goTo('letters', operator)
  }
  const total = letters.data?.total ?? 0
  return (
    <div class="list-page">
      <Groups
        groups={groups.data?.groups ?? []}
        isShown={(group) => group.operator === selected && group.code === code}
        onSelect={select}
      />
      <div class="tools">
        {selected === '' && code === '' ? null : (
          <button type="button" class="button small" onClick={() => select('', '')}>
            Show all letters
          </button>
        )}
        <span class="muted num" role="status">
          {letters.data === undefined ? '' : `${exact(total)} letters`}
          {chosen.size === 0 ? '' : `, ${chosen.size} chosen`}
        </span>
        {may('redrive') && total > 0 ? (
          <LetterActions
            selection={selectionOf(chosen, selected, code)}
            count={chosen.size > 0 ? chosen.size : total}
            onDone={() => {
              setChosen(new Set())
              letters.reload()
              groups.reload()
            }}
          />
        ) : null}
      </div>
      <Answer of={letters}>
        {(page) => (
          <VirtualTable
            label="Dead letters"
            columns={[choiceColumn(chosen, toggle), ...columns]}
            rows={page.letters}
            keyOf={({ id }) => id}
            onOpen={setOpen}
            isSelected={({ id }) => chosen.has(id)}
            empty={
              <Empty title="No dead letters">
                Records that cannot be processed are kept here, with the reason.
              </Empty>
            }
          />
        )}
      </Answer>
      {open === undefined ? null : (
        <LetterDialog letter={open} onClose={() => setOpen(undefined)} onDone={letters.reload} />
      )}
    </div>
  )
}

const columns: readonly Column<LetterRow>[] = [
  {
    name: 'Failed at',
    width: 110,
    cell: ({ failedAt }) => <time class="num">{clock(failedAt, now.value)}</time>,
  },
  { name: 'Operator', width: 110, grow: 1, cell: ({ operator }) => <Name text={operator} length={40} /> },
  { name: 'Code', width: 120, grow: 1, cell: ({ code }) => <code>{visible(code, 40)}</code> },
  { name: 'Why', width: 180, grow: 2, cell: ({ message }) => <Name text={message} length={200} /> },
  {
    name: 'Record',
    width: 180,
    grow: 2,
    cell: ({ value }) => (value === null ? '–' : <code class="one-line">{visible(value, 200)}</code>),
  },
  { name: 'Tries', width: 70, isNumber: true, cell: ({ attempts, redrives }) => attempts + redrives },
]

function choiceColumn(chosen: ReadonlySet<string>, toggle: (id: string) => void): Column<LetterRow> {
  return {
    name: 'Choose',
    width: 64,
    cell: ({ id, obstacle }) => (
      <input
        type="checkbox"
        aria-label={`Choose letter ${visible(id, 40)}`}
        title={obstacle ?? undefined}
        checked={chosen.has(id)}
        onClick={(event) => {
          event.stopPropagation()
          toggle(id)
        }}
      />
    ),
  }
}

/** The letters that an action is for: those that were chosen, or else all that are listed. */
function selectionOf(chosen: ReadonlySet<string>, operator: string, code: string): LetterSelection {
  if (chosen.size > 0) return { ids: [...chosen] }
  if (operator === '' && code === '') return { all: true }
  return { ...(operator === '' ? {} : { operator }), ...(code === '' ? {} : { code }) }
}

type Group = LetterGroups['groups'][number]

interface GroupsProps {
  readonly groups: readonly Group[]
  readonly isShown: (group: Group) => boolean
  readonly onSelect: (operator: string, code: string) => void
}

/** The same failure, once: many letters have few reasons. */
function Groups({ groups, isShown, onSelect }: GroupsProps): JSX.Element | null {
  if (groups.length === 0) return null
  return (
    <ul class="groups" aria-label="Reasons">
      {groups.slice(0, 8).map((group) => (
        <li key={`${group.operator}\n${group.code}\n${group.message}`}>
          <button
            type="button"
            class="group"
            aria-pressed={isShown(group)}
            onClick={() => (isShown(group) ? onSelect('', '') : onSelect(group.operator, group.code))}
          >
            <b class="num">{exact(group.count)}</b>
            <span>
              <Name text={group.operator} length={40} /> <code>{visible(group.code, 40)}</code>
            </span>
            <span class="muted one-line">{visible(group.message, 120)}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
