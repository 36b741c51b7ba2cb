import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { GraphOperator, OperatorFigures, TaskFigures } from '@millrace/control/contract'
import { bottleneck } from '../graph/figures.ts'
import { graph, operatorFigures, taskFigures } from '../live/job.ts'
import { bytes, count, duration, percent, rate } from '../parts/format.ts'
import { Name, visible } from '../parts/name.tsx'
import { Empty } from '../parts/notice.tsx'
import { goTo, isSelected } from '../parts/router.ts'
import { SharesBar } from '../parts/shares.tsx'
import { sorted, VirtualTable, type Column, type Sorting } from '../parts/virtual-rows.tsx'
import { OperatorPanel } from './operator-panel.tsx'

interface Row {
  readonly operator: GraphOperator
  readonly own: OperatorFigures | undefined
  readonly task: TaskFigures | undefined
}

const columns: readonly Column<Row>[] = [
  {
    name: 'Operator',
    width: 160,
    grow: 2,
    cell: ({ operator: { id } }) => (
      <>
        <Name text={id} length={60} />
        {bottleneck.value === id ? <span class="pill bad small">bottleneck</span> : null}
      </>
    ),
    order: ({ operator }) => operator.id,
  },
  {
    name: 'Type',
    width: 90,
    grow: 1,
    cell: ({ operator }) => visible(operator.type, 40),
    order: ({ operator }) => operator.type,
  },
  { name: 'Time', width: 100, cell: ({ task }) => <SharesBar shares={task?.shares} /> },
  figure('Busy', 60, ({ task }) => task?.shares.busy, percent),
  figure('Pressed', 70, ({ task }) => task?.shares.backPressured, percent),
  figure('In', 78, ({ own }) => own?.inRate, rate),
  figure('Out', 78, ({ own }) => own?.outRate, rate),
  figure('Queued', 66, ({ task }) => task?.queued, count),
  figure('Lag', 84, ({ own }) => own?.watermarkLagMs ?? undefined, duration),
  figure('State', 84, ({ own }) => own?.stateBytes ?? undefined, bytes),
  figure('Errors', 58, ({ own }) => (own === undefined ? undefined : own.deadLettered + own.skipped), count),
]

/** A column of numbers; what is unknown is sorted last. */
function figure(
  name: string,
  width: number,
  of: (row: Row) => number | undefined,
  format: (value: number | undefined) => string,
): Column<Row> {
  return { name, width, isNumber: true, cell: (row) => format(of(row)), order: (row) => of(row) ?? -1 }
}

/** All operators as a table: the graph for those who would rather read, and for thousands. */
export function OperatorsPage({ selected }: { selected: string }): JSX.Element {
  const [search, setSearch] = useState('')
  const [sorting, setSorting] = useState<Sorting>({ column: 'Busy', isDescending: true })
  const operators = graph.value?.operators ?? []
  const wanted = search.trim().toLowerCase()
  const matching = useMemo(
    () =>
      operators.filter(
        ({ id, type }) => wanted === '' || id.toLowerCase().includes(wanted) || type.includes(wanted),
      ),
    [operators, wanted],
  )
  const rows = sorted(
    matching.map((operator) => ({
      operator,
      own: operatorFigures.value.get(operator.id),
      task: taskFigures.value.get(operator.task),
    })),
    columns,
    sorting,
  )
  return (
    <div class={`split-view${selected === '' ? '' : ' open'}`}>
      <div class="list-page">
        <div class="tools">
          <input
            type="search"
            placeholder="Find an operator"
            aria-label="Find an operator"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
          <span class="muted num" role="status">
            {rows.length} of {operators.length}
          </span>
        </div>
        <VirtualTable
          label="Operators"
          columns={columns}
          rows={rows}
          keyOf={({ operator }) => operator.id}
          sorting={sorting}
          onSort={setSorting}
          onOpen={({ operator }) => goTo('operators', operator.id)}
          isSelected={({ operator }) => isSelected(operator.id, selected)}
          empty={<Empty title="No operator has this name" />}
        />
      </div>
      {selected === '' ? null : <OperatorPanel operator={selected} onClose={() => goTo('operators')} />}
    </div>
  )
}
