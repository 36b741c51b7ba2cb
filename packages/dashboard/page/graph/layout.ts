import { useEffect, useState } from 'preact/hooks'
import type { JobGraph } from '@millrace/control/contract'
import type { Direction, Layout, LayoutRequest } from './layout-messages.ts'

let worker: Worker | undefined
const waiting = new Map<string, (layout: Layout) => void>()
/** Layouts of this page, by what they were made of. A graph does not change while its job runs. */
const made = new Map<string, Layout>()

/** Where the operators of a graph are; undefined until the worker has placed them. */
export function useLayout(graph: JobGraph | null, direction: Direction): Layout | undefined {
  const [layout, setLayout] = useState<Layout>()
  useEffect(() => {
    if (graph === null) return
    const request = requestFor(graph, direction)
    const known = made.get(request.id) ?? kept(request.id)
    if (known !== undefined) {
      made.set(request.id, known)
      setLayout(known)
      return
    }
    let isWanted = true
    waiting.set(request.id, (placed) => isWanted && setLayout(placed))
    layoutWorker().postMessage(request)
    return () => {
      isWanted = false
    }
  }, [graph, direction])
  return layout?.nodes.length === graph?.operators.length ? layout : undefined
}

function layoutWorker(): Worker {
  if (worker === undefined) {
    worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Layout>) => {
      made.set(data.id, data)
      keep(data)
      waiting.get(data.id)?.(data)
      waiting.delete(data.id)
    })
  }
  return worker
}

function requestFor({ operators, edges }: JobGraph, direction: Direction): LayoutRequest {
  const indexes = new Map(operators.map(({ id }, index) => [id, index]))
  const pairs = edges.map(({ from, to }) => [indexes.get(from) ?? 0, indexes.get(to) ?? 0] as const)
  return {
    id: `${direction} ${operators.length} ${pairs.map(([from, to]) => `${from}>${to}`).join(' ')}`,
    count: operators.length,
    edges: pairs,
    direction,
  }
}

/** A visit of the page later on begins with the layout of this one. Only the newest is kept. */
function keep(layout: Layout): void {
  try {
    localStorage.setItem(`millrace-layout-${layout.id.slice(0, 2)}`, JSON.stringify(layout))
  } catch {
    // Storage may be forbidden or full; the layout is then made anew.
  }
}

function kept(id: string): Layout | undefined {
  try {
    const layout = JSON.parse(
      localStorage.getItem(`millrace-layout-${id.slice(0, 2)}`) ?? 'null',
    ) as Layout | null
    return layout?.id === id ? layout : undefined
  } catch {
    return undefined
  }
}
