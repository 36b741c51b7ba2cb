import type { JSX } from 'preact'
import { GraphView } from '../graph/graph-view.tsx'
import { goTo } from '../parts/router.ts'
import { OperatorPanel } from './operator-panel.tsx'

/** The live graph, with the figures of the selected operator beside it. */
export function GraphPage({ selected }: { selected: string }): JSX.Element {
  return (
    <div class={`split-view${selected === '' ? '' : ' open'}`}>
      <GraphView selected={selected} onSelect={(operator) => goTo('graph', operator)} />
      {selected === '' ? null : <OperatorPanel operator={selected} onClose={() => goTo('graph')} />}
    </div>
  )
}
