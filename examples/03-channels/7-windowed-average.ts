// Readings arrive at any time; a timer closes a window every 100 ms and emits its average.
import {
  Channel,
  ManualClock,
  Scope,
  select,
  sleep,
  type Clock,
  type ReceiveChannel,
} from '@millrace/channels'

/** A value every `everyMs` milliseconds: Go's time.Ticker as a channel. */
function ticker(scope: Scope, clock: Clock, everyMs: number): ReceiveChannel<number> {
  const ticks = new Channel<number>(1)
  scope.go(async (signal) => {
    for (let next = clock.monotonic() + everyMs; ; next += everyMs) {
      await sleep(clock, next - clock.monotonic(), signal)
      ticks.trySend(clock.now()) // an unread tick makes this one unnecessary
    }
  })
  return ticks
}

async function average(
  readings: ReceiveChannel<number>,
  ticks: ReceiveChannel<number>,
  signal: AbortSignal,
): Promise<void> {
  let [sum, count] = [0, 0]
  const close = (when: string): void => {
    console.log(count === 0 ? `${when}: no readings` : `${when}: ${count} readings, average ${sum / count}`)
    sum = count = 0
  }
  for (;;) {
    const chosen = await select({ reading: readings.receiveCase(), tick: ticks.receiveCase() }, { signal })
    if (!chosen.ok) return close('at the end')
    if (chosen.case === 'tick') {
      close(`${chosen.value} ms`)
    } else {
      sum += chosen.value
      count++
    }
  }
}

// Every wait uses the clock passed in. With `systemClock` this takes a third of a second; with a manual clock
// it takes no time, and each run is the same.
const clock = new ManualClock()
const readings = new Channel<number>()

{
  await using scope = new Scope()
  const ticking = new Scope(scope.signal)
  scope.go(async (signal) => {
    await average(readings, ticker(ticking, clock, 100), signal)
    await ticking[Symbol.asyncDispose]()
  })
  scope.go(async (signal) => {
    for (const [waitMs, value] of [
      [10, 20],
      [30, 22],
      [40, 24],
      [50, 30],
      [200, 18],
      [15, 19],
    ] as const) {
      await sleep(clock, waitMs, signal)
      await readings.send(value, signal)
    }
    readings.close()
  })
  await clock.advance(1_000)
  await scope.wait()
}
