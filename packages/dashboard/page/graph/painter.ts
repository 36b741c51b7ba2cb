import type { JobGraph } from '@millrace/control/contract'
import { duration, rate } from '../parts/format.ts'
import { visible } from '../parts/name.tsx'
import { heat } from '../parts/shares.tsx'
import { colour } from '../parts/theme.ts'
import type { EdgeFigures } from './edge-figures.ts'
import { bottleneck, figuresOfEdge, figuresOfTask } from './figures.ts'
import { nodeHeight, nodeWidth, type Layout, type Point } from './layout-messages.ts'
import { mapBelow, type Size, type View } from './view.ts'

const labelsFrom = 0.6
const pressedFrom = 0.1

/** Draws the edges, and below the scale of a map the operators too. A canvas costs the same for 10 and 1,000 of them. */
export function paint(
  canvas: HTMLCanvasElement,
  { width, height }: Size,
  view: View,
  layout: Layout,
  graph: JobGraph,
): void {
  const ratio = devicePixelRatio
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
  const context = canvas.getContext('2d')!
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y)
  const palette = colours()
  for (const [index, edge] of graph.edges.entries()) {
    const points = layout.edges[index]!
    if (!mayBeSeen(points, view, width, height)) continue
    const figures = figuresOfEdge(edge)
    strokeEdge(context, points, figures, edge.output !== 'main', view.scale, palette)
    if (view.scale >= labelsFrom) labelEdge(context, points, figures, palette)
  }
  if (view.scale < mapBelow) paintMap(context, layout, graph, view.scale, palette)
}

type Palette = ReturnType<typeof colours>

function colours() {
  return {
    line: colour('edge'),
    pressed: colour('pressed'),
    text: colour('muted'),
    warn: colour('warn'),
    back: colour('canvas'),
    card: colour('surface'),
    border: colour('line-strong'),
    low: colour('busy-low'),
    some: colour('busy-some'),
    high: colour('busy-high'),
    bad: colour('bad'),
  }
}

function mayBeSeen(points: readonly Point[], view: View, width: number, height: number): boolean {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [x, y] of points) {
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  const margin = 60
  return (
    (right + margin) * view.scale + view.x > 0 &&
    (left - margin) * view.scale + view.x < width &&
    (bottom + margin) * view.scale + view.y > 0 &&
    (top - margin) * view.scale + view.y < height
  )
}

function strokeEdge(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  { rate: records = 0, backPressure }: EdgeFigures,
  isSide: boolean,
  scale: number,
  palette: Palette,
): void {
  context.strokeStyle = backPressure >= pressedFrom ? palette.pressed : palette.line
  const width = 1.25 + Math.min(3, Math.log10(1 + records) / 2)
  context.lineWidth = Math.max(width, 1 / scale)
  context.setLineDash(isSide ? [5, 4] : [])
  context.beginPath()
  const [first, ...rest] = points
  context.moveTo(...first!)
  // Through the middles of the stretches between the points, so that there are no corners.
  for (let index = 0; index < rest.length - 1; index++) {
    const [x, y] = rest[index]!
    const [nextX, nextY] = rest[index + 1]!
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2)
  }
  const end = rest.at(-1)!
  context.lineTo(...end)
  context.stroke()
  if (scale < mapBelow) return
  context.setLineDash([])
  context.fillStyle = context.strokeStyle
  arrowHead(context, rest.at(-2) ?? first!, end)
}

function arrowHead(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0])
  const corner = (turn: number, length: number): [number, number] => [
    to[0] - length * Math.cos(angle + turn),
    to[1] - length * Math.sin(angle + turn),
  ]
  context.beginPath()
  context.moveTo(...to)
  context.lineTo(...corner(0.45, 9))
  context.lineTo(...corner(-0.45, 9))
  context.fill()
}

function labelEdge(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  { rate: records, lagMs, holder }: EdgeFigures,
  palette: Palette,
): void {
  const [x, y] = points[Math.floor(points.length / 2)]!
  context.font = '12px system-ui, sans-serif'
  context.textAlign = 'center'
  const lines: [text: string, colour: string][] = []
  if (records !== undefined) lines.push([rate(records), palette.text])
  if (lagMs !== null)
    lines.push([`lag ${duration(lagMs)}`, holder === undefined ? palette.text : palette.warn])
  if (holder !== undefined && lagMs !== null) {
    lines.push([`held by \u2068${visible(nameOf(holder.split), 10)}\u2069`, palette.warn])
  }
  for (const [index, [text, ink]] of lines.entries()) {
    const top = index === 0 ? y - 7 : y + 2 + index * 13
    context.lineWidth = 4
    context.lineJoin = 'round'
    context.strokeStyle = palette.back
    context.strokeText(text, x, top)
    context.fillStyle = ink
    context.fillText(text, x, top)
  }
}

/** Of a path, the name of the file. */
function nameOf(split: string | null): string {
  return split === null ? 'new splits' : (split.split('/').at(-1) ?? split)
}

function paintMap(
  context: CanvasRenderingContext2D,
  layout: Layout,
  graph: JobGraph,
  scale: number,
  palette: Palette,
): void {
  for (const [index, [x, y]] of layout.nodes.entries()) {
    const operator = graph.operators[index]!.id
    const shares = figuresOfTask(operator)?.shares
    context.fillStyle = shares === undefined ? palette.card : palette[heat(shares)]
    context.strokeStyle = operator === bottleneck.value ? palette.bad : palette.border
    context.lineWidth = (operator === bottleneck.value ? 3 : 1) / scale
    const place = [x - nodeWidth / 2, y - nodeHeight / 2, nodeWidth, nodeHeight] as const
    context.fillRect(...place)
    context.strokeRect(...place)
  }
}
