import { expect } from 'vitest'
import { everySchedule, sized } from './every-schedule.ts'
import { Channel, Scope, select } from '../src/index.ts'
import type { ReceiveChannel, SendChannel } from '../src/index.ts'
import { upTo } from './probe.ts'

// Go's own test programs: small, but each needs many tasks that pass values in the right order.

everySchedule('GO-062 a daisy chain of 10,000 tasks passes one value', async () => {
  await using scope = new Scope()
  const length = sized(10_000, 20)
  const first = new Channel<number>()
  let left = first
  for (const _ of upTo(length)) {
    const [to, from] = [left, new Channel<number>()]
    left = from
    scope.go(async (signal) => {
      const { value } = await from.receive(signal)
      await to.send(value! + 1, signal)
    })
  }
  await left.send(0)
  expect(await first.receive()).toEqual({ ok: true, value: length })
  await scope.wait()
})

everySchedule('GO-063 a sieve of one task per prime yields the first 25 primes', async () => {
  await using scope = new Scope()
  const numbers = new Channel<number>()
  scope.go(async (signal) => {
    for (let n = 2; ; n++) await numbers.send(n, signal)
  })
  let sieved: ReceiveChannel<number> = numbers
  const primes: number[] = []
  for (const _ of upTo(sized(25, 5))) {
    const { value: prime } = await sieved.receive()
    primes.push(prime!)
    const [from, to] = [sieved, new Channel<number>()]
    scope.go(async (signal) => {
      for await (const n of from.values(signal)) if (n % prime! !== 0) await to.send(n, signal)
    })
    sieved = to
  }
  expect(primes.at(-1)).toBe(sized(97, 11))
  expect(primes.slice(0, 5)).toEqual([2, 3, 5, 7, 11])
})

everySchedule(
  'GO-064 the second sieve merges channels of multiples and yields the primes to 100',
  async () => {
    await using scope = new Scope()
    const go = <T>(produce: (out: SendChannel<T>, signal: AbortSignal) => Promise<void>): Channel<T> => {
      const out = new Channel<T>()
      scope.go((signal) => produce(out, signal))
      return out
    }
    const multiples = (prime: number): Channel<number> =>
      go(async (out, signal) => {
        for (let n = prime * prime; ; n += prime) await out.send(n, signal)
      })
    // The channels of multiples, each with its next value.
    interface Peeked {
      head: number
      rest: ReceiveChannel<number>
    }
    const peek = async (rest: ReceiveChannel<number>): Promise<Peeked> => ({
      head: (await rest.receive()).value!,
      rest,
    })
    const primes: number[] = [2]
    const composites: Peeked[] = [await peek(multiples(2))]
    for (let n = 3; n < sized(100, 20); n++) {
      let isComposite = false
      for (const peeked of composites) {
        while (peeked.head < n) peeked.head = (await peeked.rest.receive()).value!
        isComposite ||= peeked.head === n
      }
      if (isComposite) continue
      primes.push(n)
      composites.push(await peek(multiples(n)))
    }
    expect([primes.length, primes.at(-1)]).toEqual([sized(25, 8), sized(97, 19)])
  },
)

everySchedule('GO-067 a channel is received from a channel, and sent on in a select', async () => {
  await using scope = new Scope()
  const channels = new Channel<Channel<number>>()
  scope.go(async () => {
    for await (const channel of channels) await select({ put: channel.sendCase(7) })
  })
  for (const _ of upTo(3)) {
    const reply = new Channel<number>()
    await select({ ask: channels.sendCase(reply) })
    expect(await reply.receive()).toEqual({ ok: true, value: 7 })
  }
  channels.close()
  await scope.wait()
})

everySchedule(
  'GO-068 four muxes into one channel, closed after four done signals, duplicate nothing',
  async () => {
    await using scope = new Scope()
    const each = sized(1_000, 10)
    const [out, done] = [new Channel<number>(), new Channel<null>()]
    for (const i of upTo(4)) {
      const source = new Channel<number>()
      scope.go(async () => {
        for (const n of upTo(each)) await source.send(n * 4 + i)
        source.close()
      })
      scope.go(async () => {
        for await (const value of source) await out.send(value)
        await done.send(null)
      })
    }
    scope.go(async () => {
      for (const _ of upTo(4)) await done.receive()
      out.close()
    })
    const seen: number[] = []
    for await (const value of out) seen.push(value)
    expect(seen.toSorted((a, b) => a - b)).toEqual(upTo(4 * each))
    await scope.wait()
  },
)
