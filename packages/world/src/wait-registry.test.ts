import { expect, test } from 'vitest'
import { hasSettled } from '../test/probe.ts'
import { sleep } from './clock.ts'
import { ManualClock } from './manual-clock.ts'
import { installWaitRegistry } from './wait-registry.ts'
import type { Begin, WaitRegistry } from './wait-registry.ts'

/** Delays the end of every wait until `release` is called. */
class DelayingRegistry implements WaitRegistry {
  readonly #held: (() => void)[] = []
  readonly kinds: string[] = []

  wait<T>(kind: string, _on: object, begin: Begin<T>): Promise<T> {
    this.kinds.push(kind)
    return new Promise((resolve, reject) => {
      begin(
        (value) => this.#held.push(() => resolve(value)),
        (reason) => this.#held.push(() => reject(reason)),
      )
    })
  }

  release(): void {
    for (const settle of this.#held.splice(0)) settle()
  }

  pass<T>(_kind: string, _on: object, outcome: Promise<T>): Promise<T> {
    return outcome
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    return task()
  }

  created(): void {}

  ended(): void {}
}

test('a wait registry decides when a finished wait settles', async () => {
  const registry = new DelayingRegistry()
  using _installed = installWaitRegistry(registry)
  const clock = new ManualClock()
  const slept = sleep(clock, 1)
  await clock.advance(1)
  expect(await hasSettled(slept)).toBe(false)
  registry.release()
  await slept
})

test('one wait registry is installed at a time, and none after it is disposed', () => {
  const first = installWaitRegistry(new DelayingRegistry())
  expect(() => installWaitRegistry(new DelayingRegistry())).toThrow('is already running')
  first[Symbol.dispose]()
  const registry = new DelayingRegistry()
  const second = installWaitRegistry(registry)
  first[Symbol.dispose]()
  void sleep(new ManualClock(), 1)
  second[Symbol.dispose]()
  void sleep(new ManualClock(), 1)
  expect(registry.kinds).toEqual(['sleep'])
})
