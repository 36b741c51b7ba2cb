import type { ConnectorContext } from '@millrace/core/connector'

/** Calls a function again and again, until it is disposed. */
export function every(clock: ConnectorContext['clock'], ms: number, call: () => void): Disposable {
  let timer: Disposable
  const schedule = (): void => {
    timer = clock.schedule(ms, () => {
      schedule()
      call()
    })
  }
  schedule()
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
