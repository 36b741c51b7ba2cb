import { useEffect, useRef, useState } from 'preact/hooks'
import { listen } from './gestures.ts'
import type { Layout } from './layout-messages.ts'
import { centred, fitted, isWhollySeen, nodeAt, zoomed, type Size, type View } from './view.ts'

/** Where the graph is looked at, and how to look elsewhere. */
export interface Eye {
  readonly view: View
  readonly zoom: (factor: number) => void
  readonly showAll: () => void
}

interface Looking {
  readonly surface: { readonly current: HTMLElement | null }
  readonly layout: Layout
  readonly size: Size
  /** The index of the chosen operator, which is kept in sight; -1 if there is none. */
  readonly chosen: number
  readonly isEmbedded: boolean
  readonly onTap: (index: number) => void
}

const readableScale = 0.8

/** Follows gestures and the chosen operator. Until something moves it, the view shows the whole graph, or its begin. */
export function useView({ surface, layout, size, chosen, isEmbedded, onTap }: Looking): Eye {
  const [moved, setView] = useState<View>()
  const view = moved ?? fitted(layout, size)
  const latest = useRef({ view, onTap })
  latest.current = { view, onTap }
  useEffect(
    () =>
      listen(
        surface.current!,
        {
          onMove: (dx, dy) => {
            const { x, y, scale } = latest.current.view
            setView({ x: x + dx, y: y + dy, scale })
          },
          onZoom: (factor, around) => setView(zoomed(latest.current.view, factor, around)),
          onTap: (at) => {
            const index = nodeAt(layout, latest.current.view, at)
            if (index !== undefined) latest.current.onTap(index)
          },
        },
        isEmbedded,
      ),
    [layout],
  )
  useEffect(() => {
    const place = layout.nodes[chosen]
    if (place === undefined || isWhollySeen(latest.current.view, place, size)) return
    const { view: before } = latest.current
    setView(centred(before, place, size, Math.max(before.scale, readableScale)))
  }, [chosen, size])
  return {
    view,
    zoom: (factor) => setView(zoomed(latest.current.view, factor, [size.width / 2, size.height / 2])),
    showAll: () => setView(fitted(layout, size, true)),
  }
}
