/** The size of an operator in the graph. */
export const nodeWidth = 180
export const nodeHeight = 74

export type Direction = 'LR' | 'TB'
export type Point = readonly [x: number, y: number]

/** What the worker is asked: operators and edges by their index, so that no name is ever a key. */
export interface LayoutRequest {
  readonly id: string
  readonly count: number
  readonly edges: readonly (readonly [from: number, to: number])[]
  readonly direction: Direction
}

/** Where everything is: the centre of each operator, and the points of each edge. */
export interface Layout {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly nodes: readonly Point[]
  readonly edges: readonly (readonly Point[])[]
}
