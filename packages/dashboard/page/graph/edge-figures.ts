import type { GraphEdge, OperatorFigures, TimeHolder } from '@millrace/control/contract'

/** What is drawn along an edge. */
export interface EdgeFigures {
  readonly rate: number | undefined
  readonly lagMs: number | null
  /** For an edge out of a source: the split that event time waits for. */
  readonly holder: TimeHolder | undefined
  /** The share of the time that the sender waits for room. */
  readonly backPressure: number
}

/** The ends of an edge. */
export interface EdgeEnds {
  readonly sender: OperatorFigures | undefined
  readonly receiver: OperatorFigures | undefined
  /** How many edges lead to the receiver. */
  readonly inputs: number
  readonly backPressure: number
}

/** The figures of an edge, from those of its ends: records that reach an operator with one input came along it. */
export function edgeFigures(
  { from, output }: GraphEdge,
  { sender, receiver, inputs, backPressure }: EdgeEnds,
  holders: readonly TimeHolder[],
): EdgeFigures {
  const sent = output === 'main' ? sender?.outRate : undefined
  return {
    rate: inputs === 1 && receiver !== undefined ? receiver.inRate : sent,
    lagMs: sender?.watermarkLagMs ?? null,
    holder: holders.find(({ source }) => source === from),
    backPressure,
  }
}
