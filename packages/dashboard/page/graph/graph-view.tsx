import type { JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { graph } from '../live/job.ts'
import { Loading } from '../parts/notice.tsx'
import { Drawing } from './drawing.tsx'
import { useLayout } from './layout.ts'
import type { Size } from './view.ts'

interface GraphViewProps {
  readonly selected: string
  readonly onSelect: (operator: string) => void
  /** Whether it is a part of a page that scrolls. Default false. */
  readonly isEmbedded?: boolean
}

/** The live graph: drag to move, wheel or pinch to zoom, arrow keys to walk along the edges. */
export function GraphView(props: GraphViewProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = box.current!
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  const layout = useLayout(graph.value, size.width > 0 && size.width < 560 ? 'TB' : 'LR')
  return (
    <div class="graph" ref={box}>
      {layout === undefined || graph.value === null || size.width === 0 ? (
        <Loading />
      ) : (
        <Drawing {...props} key={layout.id} layout={layout} graph={graph.value} size={size} />
      )}
    </div>
  )
}
