import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { SplitPage, SplitRow, SplitSort } from '@millrace/control/contract'
import { figures, graph, jobName } from '../live/job.ts'
import { usePolled } from '../live/polled.ts'
import { bytes, count, duration, exact } from '../parts/format.ts'
import { Name, Sentence, visible } from '../parts/name.tsx'
import { Answer } from '../parts/answer.tsx'
import { Empty } from '../parts/notice.tsx'
import { goTo, isSelected } from '../parts/router.ts'
import { VirtualTable, type Column, type Sorting } from '../parts/virtual-rows.tsx'

const pageSize = 200
/** The server sorts: it has all splits, the page only the first ones. */
const sortOf: Readonly<Record<string, SplitSort>> = {
  Split: 'name',
  'To read': 'lag',
  'Watermark lag': 'watermark',
  Records: 'records',
}

const columns: readonly Column<SplitRow>[] = [
  {
    name: 'Split',
    width: 200,
    grow: 2,
    cell: ({ label, split }) => <Name text={label === '' ? split : label} />,
    order: ({ label }) => label,
  },
  { name: 'Source', width: 100, grow: 1, cell: ({ source }) => <Name text={source} length={40} /> },
  { name: 'Subtask', width: 64, isNumber: true, cell: ({ subtask }) => subtask },
  { name: 'State', width: 136, cell: (split) => <SplitState split={split} /> },
  { name: 'To read', width: 90, isNumber: true, cell: toRead, order: () => 0 },
  {
    name: 'Watermark lag',
    width: 130,
    isNumber: true,
    cell: ({ watermarkLagMs }) => duration(watermarkLagMs ?? undefined),
    order: () => 0,
  },
  { name: 'Skew', width: 76, isNumber: true, cell: ({ skewMs }) => duration(skewMs ?? undefined) },
  {
    name: 'Records',
    width: 110,
    isNumber: true,
    cell: ({ recordsOut }) => exact(recordsOut),
    order: () => 0,
  },
]

/** All splits of the sources, those that are furthest behind first. */
export function SplitsPage({ selected }: { selected: string }): JSX.Element {
  const [sorting, setSorting] = useState<Sorting>({ column: 'Watermark lag', isDescending: true })
  const [limit, setLimit] = useState(pageSize)
  const sources = (graph.value?.operators ?? []).filter(({ kind }) => kind === 'source').map(({ id }) => id)
  const polled = usePolled<SplitPage>(
    'splits',
    { job: jobName.value ?? '' },
    {
      source: sources.find((source) => isSelected(source, selected)),
      sort: sortOf[sorting.column] ?? 'watermark',
      limit,
    },
    limit > 2_000 ? 10_000 : 2_000,
  )
  // While another order is read, the last one stays.
  const last = useRef<SplitPage>(undefined)
  if (polled.data !== undefined) last.current = polled.data
  const shown = polled.data ?? last.current
  const holders = figures.value?.holders ?? []
  return (
    <div class="list-page">
      <div class="tools">
        <select
          aria-label="Source"
          value={sources.findIndex((source) => isSelected(source, selected))}
          onChange={(event) => goTo('splits', sources[Number(event.currentTarget.value)] ?? '')}
        >
          <option value={-1}>All sources</option>
          {sources.map((source, index) => (
            <option key={index} value={index}>
              {visible(source, 60)}
            </option>
          ))}
        </select>
        <span class="muted num" role="status">
          {shown === undefined ? '' : `${exact(shown.splits.length)} of ${exact(shown.total)} splits`}
        </span>
        {shown === undefined || shown.next === null ? null : (
          <button type="button" class="button small" onClick={() => setLimit(limit * 4)}>
            Show more
          </button>
        )}
      </div>
      {holders.slice(0, 3).map((holder, index) => (
        <p key={index} class="notice warn">
          <Sentence text={holder.sentence} />{' '}
        </p>
      ))}
      <Answer of={{ ...polled, data: shown }}>
        {({ splits }) => (
          <VirtualTable
            label="Splits"
            columns={columns}
            rows={splits}
            keyOf={({ source, split }) => `${source}\n${split}`}
            sorting={sorting}
            onSort={({ column }) => setSorting({ column, isDescending: column !== 'Split' })}
            empty={<Empty title="No splits yet">The sources have found nothing to read.</Empty>}
          />
        )}
      </Answer>
    </div>
  )
}

function toRead({ lagBytes, lagRecords }: SplitRow): string {
  return lagRecords === null ? bytes(lagBytes ?? undefined) : count(lagRecords)
}

function SplitState({ split: { state, holdsTime } }: { split: SplitRow }): JSX.Element {
  if (holdsTime) return <span class="pill warn small">holds event time</span>
  return <span class={`pill small${state === 'paused' ? ' warn' : ''}`}>{state}</span>
}
