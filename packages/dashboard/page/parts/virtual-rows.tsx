import type { ComponentChildren, HTMLAttributes, JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** A column of a table of many rows. */
export interface Column<Row> {
  readonly name: string
  /** Its least width in pixels. */
  readonly width: number
  /** Its share of the room that is left. Default 0. */
  readonly grow?: number
  readonly isNumber?: boolean
  readonly cell: (row: Row) => ComponentChildren
  /** The value to sort by; a column without it cannot be sorted. */
  readonly order?: (row: Row) => number | string
}

export interface Sorting {
  readonly column: string
  readonly isDescending: boolean
}

interface VirtualTableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly rowHeight?: number
  readonly sorting?: Sorting
  readonly onSort?: (sorting: Sorting) => void
  readonly onOpen?: (row: Row) => void
  readonly isSelected?: (row: Row) => boolean
  readonly empty: ComponentChildren
}

const overscan = 6
/** As the style sheet has them, in pixels. */
const gap = 14
const padding = 16

/** A table that keeps only its visible rows in the page, so that 10,000 rows cost as much as 30. */
export function VirtualTable<Row>(props: VirtualTableProps<Row>): JSX.Element {
  const { columns, rows, label, keyOf, rowHeight = 36 } = props
  const body = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ first: 0, visible: 20 })
  const measure = (): void => {
    const box = body.current
    if (box === null) return
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - overscan)
    const visible = Math.ceil(box.clientHeight / rowHeight) + 2 * overscan
    setView((old) => (old.first === first && old.visible === visible ? old : { first, visible }))
  }
  useLayoutEffect(() => {
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(body.current!)
    return () => observer.disconnect()
  }, [rowHeight])
  const template = columns.map(track).join(' ')
  const minWidth = `${leastWidth(columns)}px`
  const shown = rows.slice(view.first, view.first + view.visible)
  return (
    <div
      class="vt"
      ref={body}
      onScroll={measure}
      tabIndex={0}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
    >
      <div class="vt-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template, minWidth }}>
        {columns.map((column) => (
          <HeadCell key={column.name} column={column} sorting={props.sorting} onSort={props.onSort} />
        ))}
      </div>
      {rows.length === 0 ? (
        <div class="vt-empty" role="row">
          <div role="cell">{props.empty}</div>
        </div>
      ) : (
        <div class="vt-body" role="rowgroup" style={{ height: `${rows.length * rowHeight}px`, minWidth }}>
          {shown.map((row, index) => (
            <div
              key={keyOf(row)}
              role="row"
              aria-rowindex={view.first + index + 2}
              class={rowClass(props, row)}
              style={{
                gridTemplateColumns: template,
                height: `${rowHeight}px`,
                transform: `translateY(${(view.first + index) * rowHeight}px)`,
              }}
              {...opening(props, row)}
            >
              {columns.map((column) => (
                <div key={column.name} role="cell" class={column.isNumber ? 'num' : ''}>
                  <Cell content={column.cell(row)} />
                </div>
              ))}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

/** A row that opens something does so by mouse and by keyboard. */
function opening<Row>({ onOpen }: VirtualTableProps<Row>, row: Row): HTMLAttributes<HTMLDivElement> {
  if (onOpen === undefined) return {}
  return {
    tabIndex: 0,
    onClick: () => onOpen(row),
    onKeyDown: (event) => {
      if (event.target !== event.currentTarget || (event.key !== 'Enter' && event.key !== ' ')) return
      event.preventDefault()
      onOpen(row)
    },
  }
}

/** Text that is too long ends in an ellipsis. */
function Cell({ content }: { content: ComponentChildren }): JSX.Element {
  return typeof content === 'string' ? <span class="one-line">{content}</span> : <>{content}</>
}

function track<Row>({ width, grow = 0 }: Column<Row>): string {
  return grow === 0 ? `${width}px` : `minmax(${width}px, ${grow}fr)`
}

/** Below this width the table scrolls sideways. */
function leastWidth<Row>(columns: readonly Column<Row>[]): number {
  return columns.reduce((sum, { width }) => sum + width + gap, 2 * padding - gap)
}

function rowClass<Row>({ onOpen, isSelected }: VirtualTableProps<Row>, row: Row): string {
  return `vt-row${onOpen === undefined ? '' : ' open'}${isSelected?.(row) ? ' selected' : ''}`
}

interface HeadCellProps<Row> {
  readonly column: Column<Row>
  readonly sorting: Sorting | undefined
  readonly onSort: ((sorting: Sorting) => void) | undefined
}

function HeadCell<Row>({ column, sorting, onSort }: HeadCellProps<Row>): JSX.Element {
  const isActive = sorting?.column === column.name
  const direction = isActive ? (sorting.isDescending ? 'descending' : 'ascending') : undefined
  return (
    <div role="columnheader" class={column.isNumber ? 'num' : ''} aria-sort={direction}>
      {column.order === undefined || onSort === undefined ? (
        column.name
      ) : (
        <button
          type="button"
          class="sort"
          onClick={() =>
            onSort({
              column: column.name,
              isDescending: isActive ? !sorting.isDescending : column.isNumber === true,
            })
          }
        >
          {column.name}
          <span aria-hidden="true">{isActive ? (sorting.isDescending ? ' ↓' : ' ↑') : ''}</span>
        </button>
      )}
    </div>
  )
}

/** The rows in the order that a column gives; a copy. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { column, isDescending }: Sorting,
): Row[] {
  const order = columns.find((each) => each.name === column)?.order
  if (order === undefined) return [...rows]
  const sign = isDescending ? -1 : 1
  return rows
    .map((row) => ({ row, value: order(row) }))
    .sort((a, b) => sign * (a.value < b.value ? -1 : a.value > b.value ? 1 : 0))
    .map(({ row }) => row)
}
