import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { JobGraph } from '@millrace/control/contract'
import { diagnosis, figures } from '../live/job.ts'
import { Icon } from '../parts/icon.tsx'
import { isSelected } from '../parts/router.ts'
import { SharesLegend } from '../parts/shares.tsx'
import { isDark } from '../parts/theme.ts'
import { neighbour } from './keyboard.ts'
import type { Layout } from './layout-messages.ts'
import { NodeCard } from './node-card.tsx'
import { paint } from './painter.ts'
import { useView, type Eye } from './use-view.ts'
import { isSeen, mapBelow, type Size, type View } from './view.ts'

interface DrawingProps {
  readonly layout: Layout
  readonly graph: JobGraph
  readonly size: Size
  readonly selected: string
  readonly onSelect: (operator: string) => void
  readonly isEmbedded?: boolean
}

/** A graph that has its layout: edges on a canvas, and above it the operators that are seen. */
export function Drawing(props: DrawingProps): JSX.Element {
  const { layout, graph, size, selected, onSelect, isEmbedded = false } = props
  const surface = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const select = (index: number): void => onSelect(graph.operators[index]!.id)
  const chosen = selected === '' ? -1 : graph.operators.findIndex(({ id }) => isSelected(id, selected))
  const eye = useView({ surface, layout, size, chosen, isEmbedded, onTap: select })
  const { view } = eye
  usePainting(canvas, size, view, layout, graph)
  const focusNext = useFocusOfChosen(surface)
  const subtasks = useMemo(() => new Map(graph.tasks.map((task) => [task.task, task.subtasks])), [graph])
  const seen = graph.operators.flatMap((operator, index) =>
    view.scale >= mapBelow && isSeen(view, layout.nodes[index]!, size) ? [{ operator, index }] : [],
  )
  const walk = (event: KeyboardEvent): void => {
    const to = neighbour(graph, layout, chosen === -1 ? undefined : chosen, event.key)
    if (to === undefined || isEmbedded) return
    event.preventDefault()
    focusNext()
    select(to)
  }
  // One stop of the tab key: from there the arrow keys lead to all others.
  const tabStop = (seen.find(({ index }) => index === chosen) ?? seen[0])?.index
  return (
    <>
      <div
        class="graph-surface"
        ref={surface}
        role="group"
        aria-label={`Graph of ${graph.operators.length} operators.${isEmbedded ? '' : ' Arrow keys move along the edges.'}`}
        tabIndex={seen.length === 0 ? 0 : -1}
        onKeyDown={walk}
      >
        <canvas
          ref={canvas}
          style={{ width: `${size.width}px`, height: `${size.height}px` }}
          aria-hidden="true"
        />
        <div
          class="graph-nodes"
          style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
        >
          {seen.map(({ operator, index }) => (
            <NodeCard
              key={index}
              operator={operator}
              subtasks={subtasks.get(operator.task) ?? 1}
              at={layout.nodes[index]!}
              isSelected={index === chosen}
              isTabStop={isEmbedded || index === tabStop}
              onOpen={() => select(index)}
            />
          ))}
        </div>
      </div>
      {isEmbedded ? null : <SharesLegend class="graph-legend" />}
      <Tools eye={eye} />
    </>
  )
}

function Tools({ eye }: { eye: Eye }): JSX.Element {
  return (
    <div class="graph-tools">
      <button type="button" class="icon-button" aria-label="Zoom in" onClick={() => eye.zoom(1.3)}>
        <Icon name="plus" />
      </button>
      <button type="button" class="icon-button" aria-label="Zoom out" onClick={() => eye.zoom(1 / 1.3)}>
        <Icon name="minus" />
      </button>
      <button type="button" class="icon-button" aria-label="Show the whole graph" onClick={eye.showAll}>
        <Icon name="fit" />
      </button>
    </div>
  )
}

/** Returns what makes the next operator that is chosen take the focus, as soon as it is drawn. */
function useFocusOfChosen(surface: { readonly current: HTMLElement | null }): () => void {
  const isWanted = useRef(false)
  useEffect(() => {
    if (!isWanted.current) return
    const node = surface.current?.querySelector<HTMLElement>('.node.selected')
    if (node === null || node === undefined) return
    isWanted.current = false
    node.focus({ preventScroll: true })
  })
  return () => {
    isWanted.current = true
  }
}

/** Paints at most once per frame, and not while nobody sees the page. */
function usePainting(
  canvas: { readonly current: HTMLCanvasElement | null },
  size: Size,
  view: View,
  layout: Layout,
  graph: JobGraph,
): void {
  const at = figures.value?.at
  const found = diagnosis.value
  const dark = isDark.value
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (canvas.current !== null) paint(canvas.current, size, view, layout, graph)
    })
    return () => cancelAnimationFrame(frame)
  }, [at, found, dark, size, view.x, view.y, view.scale, layout, graph])
}
