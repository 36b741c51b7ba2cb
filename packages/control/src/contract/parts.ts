/** `GET /api/jobs/:job/parts`, for a job that several workers run together: where its parts are. */
export interface PartList {
  readonly job: string
  /** How many workers there are, as of the newest division; 0 while the worker that answers is no member of their group. */
  readonly workers: number
  readonly parts: readonly PartPlace[]
}

/** Where one part is. */
export interface PartPlace {
  /** Its name, as `orders/3`: the `:job` of other routes at the worker that runs it. */
  readonly part: string
  readonly isHere: boolean
  /** The control API of the worker that has it; null while it moves, and where that worker has none that others reach. */
  readonly address: string | null
  /** The control APIs of the workers that keep a copy of its state. */
  readonly copies: readonly string[]
}
