import { env } from 'node:process'
import { describe, expect, test } from 'vitest'
import { upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { seededRandom } from '@millrace/world'
import { selectForms } from '../../test/select-forms.ts'

describe.each(selectForms)('by $form', ({ select, trySelect }) => {
  // Critical values of the chi-square distribution at one in a million, by degrees of freedom.
  const CRITICAL = [0, 23.93, 27.63, 30.66, 33.38, 35.89]
  const ROUNDS = env['MILLRACE_TEST_LEVEL'] === 'full' ? 100_000 : 20_000

  function chiSquare(counts: readonly number[], expected: number): number {
    return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  }

  test.each([2, 3, 4, 5, 6])('GO-039 among %d ready cases each is chosen equally often', (ready) => {
    for (const seed of upTo(5)) {
      const random = seededRandom(seed)
      const channels = upTo(ready).map(() => new Channel<number>())
      for (const channel of channels) channel.close()
      const quiet = new Channel<number>()
      // Cases that are not ready are in between, where a careless choice would favour their neighbours.
      const cases = Object.fromEntries(
        channels.flatMap((channel, i) => [
          [`q${i}`, quiet.receiveCase()],
          [`c${i}`, channel.receiveCase()],
        ]),
      )
      const counts = channels.map(() => 0)
      for (const _ of upTo(ROUNDS)) {
        const index = Number(trySelect(cases, { random })!.case.slice(1))
        counts[index] = counts[index]! + 1
      }
      expect(chiSquare(counts, ROUNDS / ready)).toBeLessThan(CRITICAL[ready - 1]!)
    }
  })

  test('a select that waits several times in one queue is matched at each place equally often', async () => {
    const random = seededRandom(1)
    const [channel, quiet] = [new Channel<number>(), new Channel<number>()]
    const counts = new Map<string, number>()
    const got = channel.receiveCase()
    for (const n of upTo(3_000)) {
      const selected = select({ a: got, quiet: quiet.receiveCase(), b: got, c: got }, { random })
      channel.trySend(n)
      const { case: name } = await selected
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    expect(chiSquare([...counts.values()], 1_000)).toBeLessThan(CRITICAL[2]!)
    expect([...counts.keys()].toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('one seed gives one sequence of choices', () => {
    const choices = (seed: number): string => {
      const random = seededRandom(seed)
      const channel = new Channel<number>()
      channel.close()
      const cases = { a: channel.receiveCase(), b: channel.receiveCase() }
      return upTo(50)
        .map(() => trySelect(cases, { random })!.case)
        .join('')
    }
    expect(choices(1)).toBe(choices(1))
    expect(choices(1)).not.toBe(choices(2))
  })
})
