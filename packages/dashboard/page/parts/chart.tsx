import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { history, type Series } from '../live/history.ts'
import { colour, isDark } from './theme.ts'

export interface Line {
  readonly label: string
  /** The name of a colour of the style sheet. */
  readonly colour: string
  readonly of: () => Series
}

interface ChartProps {
  readonly title: string
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  readonly height?: number
}

/** A chart over time that follows the history of the job, and is drawn while it is in sight. Its newest values are also text. */
export function Chart({ title, lines, format, height = 168 }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const dark = isDark.value
  const version = history.version.value
  const plot = useRef<uPlot>(undefined)
  const isInSight = useRef(false)
  useEffect(() => {
    const box = place.current!
    const made = new uPlot(options(lines, format, box.clientWidth, height), columns(lines), box)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height }))
    observer.observe(box)
    const sight = new IntersectionObserver((seen) => {
      isInSight.current = seen.at(-1)!.isIntersecting
      if (isInSight.current) made.setData(columns(lines))
    })
    sight.observe(box)
    return () => {
      observer.disconnect()
      sight.disconnect()
      made.destroy()
    }
  }, [dark, height])
  useEffect(() => {
    if (isInSight.current && !document.hidden) plot.current?.setData(columns(lines))
  }, [version])
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{title}</h2>
        <span class="legend">
          {lines.map((line) => (
            <span key={line.label}>
              <i style={{ background: `var(--${line.colour})` }} />
              {line.label} <b class="num">{newest(line.of(), format)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} class="plot" style={{ height: `${height}px` }} aria-hidden="true" />
    </figure>
  )
}

function newest(series: Series, format: (value: number) => string): string {
  const last = series.at(-1)
  return last === undefined || last === null ? '–' : format(last)
}

function columns(lines: readonly Line[]): uPlot.AlignedData {
  return [history.at, ...lines.map((line) => line.of())]
}

function options(
  lines: readonly Line[],
  format: (value: number) => string,
  width: number,
  height: number,
): uPlot.Options {
  const text = colour('muted')
  const grid = { stroke: colour('line-soft'), width: 1 }
  const font = '11px system-ui, sans-serif'
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
    axes: [
      {
        stroke: text,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: 24,
        values: times,
        space: 90,
      },
      {
        stroke: text,
        font,
        grid,
        ticks: { show: false },
        size: 60,
        space: 34,
        values: (_, marks) => marks.map((mark) => (mark === 0 ? '0' : format(mark))),
      },
    ],
    series: [
      {},
      ...lines.map((line, index) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 1.5,
        points: { show: false },
        ...(index === 0 ? { fill: `${colour(line.colour)}1f` } : {}),
      })),
    ],
  }
}

function times(_: uPlot, marks: number[]): string[] {
  return marks.map((mark) => {
    const date = new Date(mark * 1_000)
    return `${date.getHours()}:${String(date.getMinutes()).padStart(2, '0')}:${String(date.getSeconds()).padStart(2, '0')}`
  })
}
