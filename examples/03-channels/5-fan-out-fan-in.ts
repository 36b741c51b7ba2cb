// One source, three processors that share its values, one result: fan-out, fan-in.
import {
  Channel,
  fanOut,
  merge,
  Scope,
  sleep,
  stage,
  systemClock,
  type ReceiveChannel,
} from '@millrace/channels'

interface Reading {
  readonly n: number
  readonly square: number
  readonly by: number
}

/** The numbers 1 to `count`, then close: Go's generator. */
function numbers(scope: Scope, count: number): ReceiveChannel<number> {
  const out = new Channel<number>()
  scope.go(async (signal) => {
    for (let n = 1; n <= count; n++) await out.send(n, signal)
    out.close()
  })
  return out
}

/** A processor: a stage that takes some time. */
function processor(scope: Scope, id: number, input: ReceiveChannel<number>): ReceiveChannel<Reading> {
  return stage(scope, input, async function* (values, signal) {
    for await (const n of values) {
      await sleep(systemClock, 10, signal)
      yield { n, square: n * n, by: id }
    }
  })
}

await using scope = new Scope()

const shares = fanOut(scope, numbers(scope, 9), 3)
const results = merge(
  scope,
  shares.map((share, index) => processor(scope, index + 1, share)),
)

const readings: Reading[] = []
for await (const reading of results) readings.push(reading)
await scope.wait()

for (const { n, square, by } of readings.toSorted((a, b) => a.n - b.n)) {
  console.log(`${n} * ${n} = ${square}, by processor ${by}`)
}
console.log(`sum: ${readings.reduce((sum, { square }) => sum + square, 0)}`)
