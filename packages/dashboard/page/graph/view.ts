import type { Layout, Point } from './layout-messages.ts'
import { nodeHeight, nodeWidth } from './layout-messages.ts'

/** What part of the graph is seen: a point of the graph is at `point * scale + offset` on the screen. */
export interface View {
  readonly x: number
  readonly y: number
  readonly scale: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** Below this scale names cannot be read, and the graph is drawn as a map. */
export const mapBelow = 0.5
const smallest = 0.02
const largest = 2

/** The whole graph, in the middle. A graph that would be too small to read begins at its first operators. */
export function fitted(layout: Layout, { width, height }: Size, isWhole: boolean = false): View {
  const all = Math.min(1, width / layout.width, height / layout.height)
  const scale = isWhole ? Math.max(smallest, all) : Math.max(all, layout.nodes.length > 60 ? all : 0.64)
  const middle = (room: number, length: number): number => (length <= room ? (room - length) / 2 : 0)
  return { x: middle(width, layout.width * scale), y: middle(height, layout.height * scale), scale }
}

/** Zooms by a factor; the point under the pointer stays where it is. */
export function zoomed(view: View, factor: number, [x, y]: Point): View {
  const scale = Math.min(largest, Math.max(smallest, view.scale * factor))
  const change = scale / view.scale
  return { x: x - (x - view.x) * change, y: y - (y - view.y) * change, scale }
}

/** Moves the view so that a point of the graph is in the middle. */
export function centred(
  view: View,
  [x, y]: Point,
  { width, height }: Size,
  scale: number = view.scale,
): View {
  return { x: width / 2 - x * scale, y: height / 2 - y * scale, scale }
}

/** Whether an operator at this point of the graph is seen. */
export function isSeen(view: View, [x, y]: Point, { width, height }: Size): boolean {
  const left = (x - nodeWidth / 2) * view.scale + view.x
  const top = (y - nodeHeight / 2) * view.scale + view.y
  return (
    left < width && top < height && left + nodeWidth * view.scale > 0 && top + nodeHeight * view.scale > 0
  )
}

/** Whether all of an operator is seen, and large enough to read. */
export function isWhollySeen(view: View, [x, y]: Point, { width, height }: Size): boolean {
  const left = (x - nodeWidth / 2) * view.scale + view.x
  const top = (y - nodeHeight / 2) * view.scale + view.y
  const [right, bottom] = [left + nodeWidth * view.scale, top + nodeHeight * view.scale]
  return view.scale >= mapBelow && left >= 0 && top >= 0 && right <= width && bottom <= height
}

/** The index of the operator at a point of the screen. */
export function nodeAt(layout: Layout, view: View, [x, y]: Point): number | undefined {
  const inGraph = [(x - view.x) / view.scale, (y - view.y) / view.scale] as const
  const index = layout.nodes.findIndex(
    ([nodeX, nodeY]) =>
      Math.abs(nodeX - inGraph[0]) <= nodeWidth / 2 && Math.abs(nodeY - inGraph[1]) <= nodeHeight / 2,
  )
  return index === -1 ? undefined : index
}
