import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type {
  StateAnswer,
  StateEntry,
  StateList,
  StateOperator,
  StatePage as Page,
  StateRead,
} from '@millrace/control/contract'
import { jobName } from '../live/job.ts'
import { usePolled } from '../live/polled.ts'
import { count } from '../parts/format.ts'
import { Name, visible } from '../parts/name.tsx'
import { Answer } from '../parts/answer.tsx'
import { Empty } from '../parts/notice.tsx'
import { goTo, isSelected } from '../parts/router.ts'
import { VirtualTable, type Column } from '../parts/virtual-rows.tsx'
import { ValueDialog } from './value-dialog.tsx'

const limit = 200

/** The state of an operator, by key. */
export function StatePage({ selected }: { selected: string }): JSX.Element {
  const list = usePolled<StateList>('state', { job: jobName.value ?? '' }, {}, 5_000)
  return (
    <div class="list-page">
      <Answer of={list}>
        {({ operators }) => <OneOperator operators={operators} selected={selected} />}
      </Answer>
    </div>
  )
}

interface OneOperatorProps {
  readonly operators: readonly StateOperator[]
  readonly selected: string
}

function OneOperator({ operators, selected }: OneOperatorProps): JSX.Element {
  const operator = operators.find((each) => isSelected(each.operator, selected)) ?? operators[0]
  if (operator === undefined) {
    return <Empty title="No state to browse">No operator of this job keeps state by key.</Empty>
  }
  return (
    <>
      <div class="tools">
        <select
          aria-label="Operator"
          value={operators.indexOf(operator)}
          onChange={(event) => goTo('state', operators[event.currentTarget.selectedIndex]!.operator)}
        >
          {operators.map((each, index) => (
            <option key={index} value={index}>
              {visible(each.operator, 60)}
            </option>
          ))}
        </select>
        <span class="muted">{visible(operator.keeps, 200)}</span>
      </div>
      <Browser
        key={operator.operator}
        operator={operator.operator}
        tables={operator.tables.map(({ table, cells }) => [table, cells] as const)}
        keys={operator.keys}
      />
    </>
  )
}

interface BrowserProps {
  readonly operator: string
  readonly tables: readonly (readonly [table: string, cells: number])[]
  readonly keys: readonly string[]
}

function Browser({ operator, tables, keys }: BrowserProps): JSX.Element {
  const [table, setTable] = useState('')
  const [readFrom, setReadFrom] = useState<StateRead>('latest')
  const [typed, setTyped] = useState('')
  const [key, setKey] = useState<string>()
  const [cursors, setCursors] = useState<readonly string[]>([])
  return (
    <>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault()
          setKey(typed === '' ? undefined : typed)
          setCursors([])
        }}
      >
        <input
          type="search"
          placeholder={keys.length === 0 ? 'Key' : `Key: ${visible(keys.join(' or '), 60)}`}
          aria-label="Key"
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value)
            if (event.currentTarget.value === '') setKey(undefined)
          }}
        />
        <button type="submit" class="button primary small">
          Look up
        </button>
        <select aria-label="Table" value={table} onChange={(event) => setTable(event.currentTarget.value)}>
          <option value="">All tables</option>
          {tables.map(([name, cells]) => (
            <option key={name} value={name}>
              {visible(name, 40)} ({count(cells)})
            </option>
          ))}
        </select>
        <select
          aria-label="Read"
          value={readFrom}
          onChange={(event) => setReadFrom(event.currentTarget.value as StateRead)}
        >
          <option value="latest">as it is now</option>
          <option value="checkpoint">as of the last checkpoint</option>
        </select>
      </form>
      {key === undefined ? (
        <Scan operator={operator} table={table} read={readFrom} cursors={cursors} onMove={setCursors} />
      ) : (
        <OneKey
          operator={operator}
          table={table}
          read={readFrom}
          stateKey={key}
          isJson={keys.length > 0 && !keys.includes('string')}
        />
      )}
    </>
  )
}

interface ScanProps {
  readonly operator: string
  readonly table: string
  readonly read: StateRead
  /** The cursors of the pages that lead to this one. */
  readonly cursors: readonly string[]
  readonly onMove: (cursors: readonly string[]) => void
}

function Scan({ operator, table, read, cursors, onMove }: ScanProps): JSX.Element {
  const page = usePolled<Page>(
    'stateScan',
    { job: jobName.value ?? '', operator },
    { table, read, limit, cursor: cursors.at(-1) },
    5_000,
  )
  return (
    <Answer of={page}>
      {({ entries, next, checkpoint }) => (
        <>
          <Entries entries={entries} empty="This operator keeps nothing now" />
          <div class="tools">
            <button
              type="button"
              class="button small"
              disabled={cursors.length === 0}
              onClick={() => onMove(cursors.slice(0, -1))}
            >
              Back
            </button>
            <button
              type="button"
              class="button small"
              disabled={next === null}
              onClick={() => next !== null && onMove([...cursors, next])}
            >
              Next
            </button>
            <Consistency checkpoint={checkpoint} />
          </div>
        </>
      )}
    </Answer>
  )
}

interface OneKeyProps {
  readonly operator: string
  readonly table: string
  readonly read: StateRead
  readonly stateKey: string
  /** Whether the key is JSON, because no key of this operator is text. */
  readonly isJson: boolean
}

function OneKey({ operator, table, read, stateKey, isJson }: OneKeyProps): JSX.Element {
  const answer = usePolled<StateAnswer>(
    'stateOfKey',
    { job: jobName.value ?? '', operator, key: stateKey },
    { table, read, keyType: isJson ? 'json' : undefined },
    1_000,
  )
  return (
    <Answer of={answer}>
      {({ entries, checkpoint }) => (
        <>
          <Entries entries={entries} empty="This key has no state" />
          <div class="tools">
            <Consistency checkpoint={checkpoint} />
          </div>
        </>
      )}
    </Answer>
  )
}

function Consistency({ checkpoint }: { checkpoint: number | null }): JSX.Element {
  return (
    <span class="muted num">
      {checkpoint === null
        ? 'As it is now: a restart may take it back to the last checkpoint.'
        : `As of checkpoint ${checkpoint}.`}
    </span>
  )
}

const columns: readonly Column<StateEntry>[] = [
  { name: 'Key', width: 140, grow: 1, cell: ({ key }) => <Name text={text(key)} length={80} /> },
  { name: 'Table', width: 90, cell: ({ table }) => <Name text={table} length={40} /> },
  {
    name: 'Window or inner key',
    width: 120,
    grow: 1,
    cell: ({ inner }) => (inner === null ? '' : <Name text={text(inner)} length={80} />),
  },
  {
    name: 'Value',
    width: 200,
    grow: 3,
    cell: ({ value }) => <code class="one-line">{visible(text(value), 300)}</code>,
  },
]

function Entries({ entries, empty }: { entries: readonly StateEntry[]; empty: string }): JSX.Element {
  const [open, setOpen] = useState<StateEntry>()
  return (
    <>
      <VirtualTable
        label="State"
        columns={columns}
        rows={entries}
        keyOf={({ key, table, inner }) => `${table}\n${text(key)}\n${text(inner)}`}
        onOpen={setOpen}
        empty={<Empty title={empty} />}
      />
      {open === undefined ? null : <ValueDialog entry={open} onClose={() => setOpen(undefined)} />}
    </>
  )
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
}
