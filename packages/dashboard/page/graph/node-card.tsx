import type { JSX } from 'preact'
import type { GraphOperator } from '@millrace/control/contract'
import { operatorFigures } from '../live/job.ts'
import { rate } from '../parts/format.ts'
import { Name, visible } from '../parts/name.tsx'
import { SharesBar } from '../parts/shares.tsx'
import { bottleneck, figuresOfTask } from './figures.ts'
import { nodeHeight, nodeWidth, type Point } from './layout-messages.ts'

interface NodeCardProps {
  readonly operator: GraphOperator
  readonly subtasks: number
  readonly at: Point
  readonly isSelected: boolean
  readonly isTabStop: boolean
  readonly onOpen: () => void
}

/** One operator in the graph. */
export function NodeCard({ operator, subtasks, at, ...rest }: NodeCardProps): JSX.Element {
  const figures = operatorFigures.value.get(operator.id)
  const task = figuresOfTask(operator.id)
  const isBottleneck = bottleneck.value === operator.id
  const isSink = operator.kind === 'sink'
  return (
    <button
      type="button"
      class={`node ${operator.kind}${isBottleneck ? ' bottleneck' : ''}${rest.isSelected ? ' selected' : ''}`}
      style={{
        width: `${nodeWidth}px`,
        height: `${nodeHeight}px`,
        transform: `translate(${at[0] - nodeWidth / 2}px, ${at[1] - nodeHeight / 2}px)`,
      }}
      data-operator={operator.id.slice(0, 200)}
      tabIndex={rest.isTabStop ? 0 : -1}
      aria-pressed={rest.isSelected}
      onClick={rest.onOpen}
    >
      <span class="node-name">
        <Name text={operator.id} length={60} />
        {subtasks > 1 ? <span class="node-times">×{subtasks}</span> : null}
      </span>
      <span class="node-facts">
        <span class="node-type">{visible(operator.type, 24)}</span>
        <span class="num">
          {rate(isSink ? figures?.inRate : figures?.outRate)}
          <span class="hidden">{isSink ? ' in' : ' out'}</span>
        </span>
      </span>
      <SharesBar shares={task?.shares} />
      {isBottleneck ? <span class="node-flag">bottleneck</span> : null}
    </button>
  )
}
