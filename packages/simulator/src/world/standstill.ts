import type { SimProcess } from './sim-process.ts'

/** A pending wait. */
export interface OpenWait {
  readonly kind: string
  /** The channel, clock or group that it waits for. */
  readonly on: object
  readonly process: SimProcess
  /** The time at which it began, in simulated milliseconds since the start. */
  readonly sinceMs: number
}

/** One line for each wait. */
export function waitLines(waits: readonly OpenWait[]): string {
  return waits
    .map(({ kind, process, sinceMs }) => `  ${process.name}: ${kind}, since ${sinceMs} ms`)
    .join('\n')
}

/** No step is possible any more, and a task still waits. */
export class SimDeadlock extends Error {
  override readonly name = 'SimDeadlock'
  readonly waits: readonly OpenWait[]

  /** `waitsText` describes the waits; without it, each wait has a line. */
  constructor(waits: readonly OpenWait[], waitsText: string = waitLines(waits)) {
    super(
      'all tasks are asleep: nothing is running, no timer is set, and nothing can wake ' +
        `${waits.length === 0 ? 'the tasks that wait for plain promises' : `these:\n${waitsText}`}`,
    )
    this.waits = waits
  }
}

/** Simulated code waits for the real world, so that its schedule cannot be chosen. */
export class OutsideWait extends Error {
  override readonly name = 'OutsideWait'
  /** The running work outside, by Node's names: "Timeout", "FSReqCallback" ... */
  readonly outside: readonly string[]

  constructor(outside: readonly string[], waits: readonly OpenWait[], waitsText: string = waitLines(waits)) {
    super(
      `nothing can happen in the simulation, but outside of it there is work under way: ${outside.join(', ')}. ` +
        'What waits for a real timer, a file or a socket has no place in a simulation: ' +
        "hand it the world's clock and a stand-in." +
        (waits.length === 0 ? '' : ` Open waits:\n${waitsText}`),
    )
    this.outside = outside
  }
}

/** A simulation exceeded its maximum of steps. */
export class EndlessRun extends Error {
  override readonly name = 'EndlessRun'
  readonly stepsMax: number

  /** `calls` are the calls to the real world that have not returned. */
  constructor(stepsMax: number, calls: readonly string[]) {
    const usual = 'a timer that always sets another, or a stand-in whose input never ends'
    super(
      `the simulation has not ended after ${stepsMax} steps: ` +
        (calls.length === 0
          ? `usually because of ${usual}`
          : `${calls.length} ${calls.length === 1 ? 'call has' : 'calls have'} not returned: ${[...new Set(calls)].join(', ')}`),
    )
    this.stepsMax = stepsMax
  }
}
