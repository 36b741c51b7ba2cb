import { Channel, Scope, seededRandom, trySelect } from '../src/index.ts'
import { ChannelMix } from './channel-mix.ts'
import type { MixWorld } from './channel-mix.ts'
import { PatternMix } from './pattern-mix.ts'
import { upTo } from './probe.ts'

/** A law of channels: a program that tests it, and returns the violations, one line each. */
export type Law = (world: MixWorld) => Promise<readonly string[]>

async function valuesInOrder({ random }: MixWorld): Promise<readonly string[]> {
  const channel = new Channel<number>(random.int(4))
  const received: number[] = []
  let ticket = 0
  await using scope = new Scope()
  for (const _ of upTo(4)) {
    scope.go(async () => {
      for (const __ of upTo(5)) await channel.send(ticket++)
    })
  }
  while (received.length < 20) received.push((await channel.receive()).value!)
  return inOrder('values', received)
}

async function receiversInOrder(): Promise<readonly string[]> {
  const channel = new Channel<number>()
  const tickets: number[] = []
  let ticket = 0
  await using scope = new Scope()
  for (const _ of upTo(4)) {
    scope.go(async () => {
      for (const __ of upTo(5)) {
        const mine = ticket++
        tickets[(await channel.receive()).value!] = mine
      }
    })
  }
  for (const n of upTo(20)) await channel.send(n)
  await scope.wait()
  return inOrder('receivers', tickets)
}

function inOrder(what: string, numbers: readonly number[]): string[] {
  return numbers.every((n, i) => n === i) ? [] : [`${what} came in the order ${numbers.join(' ')}`]
}

/**
 * Among four ready cases each is chosen equally often: chi-square over 100,000 rounds, one in a million by
 * chance.
 */
async function uniformChoice(): Promise<readonly string[]> {
  const [rounds, critical] = [100_000, 30.66]
  const channel = new Channel<number>()
  channel.close()
  const got = channel.receiveCase()
  const [cases, random] = [{ a: got, b: got, c: got, d: got }, seededRandom(39)]
  const counts = { a: 0, b: 0, c: 0, d: 0 }
  for (let n = 0; n < rounds; n++) counts[trySelect(cases, { random })!.case]++
  const expected = rounds / 4
  const chiSquare = Object.values(counts).reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
  return chiSquare < critical ? [] : [`the choice is not uniform: ${JSON.stringify(counts)}`]
}

/** A fresh program of sends, receives, selects, timeouts, cancels and closes for each seed. */
export const everyMix: Law = (world) => new ChannelMix(world).run()

/** A fresh graph of patterns for each seed, which is drained, fails or is cancelled. */
export const everyGraph: Law = (world) => new PatternMix(world).run()

/** The laws whose programs are the same for every seed. */
export const orderLaws: Readonly<Record<string, Law>> = {
  'GO-022 values arrive in the order of the sends, from any task': valuesInOrder,
  'GO-021 waiting receivers are served in order': receiversInOrder,
}

/** Has one schedule only. */
export const choiceLaw: Law = uniformChoice
