import { expect, test } from 'vitest'
import { Channel } from '../channel/channel.ts'
import { select } from '../channel/select.ts'
import { Scope } from '../task/scope.ts'
import { WaitGroup } from '../task/wait-group.ts'
import { ManualClock } from '../world/manual-clock.ts'
import { sleep } from '../world/clock.ts'
import { oversee } from './overseer.ts'
import type { Begin, Overseer } from './overseer.ts'

/** Writes down what it sees, and lets a wait that has ended go on at once or, if it is holding, only when told. */
class WritingOverseer implements Overseer {
  isHolding = false
  readonly seen: string[] = []
  readonly held: (() => void)[] = []

  wait<T>(kind: string, _on: object, begin: Begin<T>): Promise<T> {
    this.seen.push(`wait ${kind}`)
    return new Promise((resolve, reject) => {
      begin(
        (value) => this.#release(() => resolve(value)),
        (reason) => this.#release(() => reject(reason)),
      )
    })
  }

  #release(settle: () => void): void {
    if (this.isHolding) this.held.push(settle)
    else settle()
  }

  pass<T>(kind: string, _on: object, outcome: Promise<T>): Promise<T> {
    this.seen.push(`pass ${kind}`)
    return outcome
  }

  run<T>(task: () => Promise<T>, _owner: object, name: string | undefined): Promise<T> {
    this.seen.push(`run ${name}`)
    return task()
  }

  created(kind: string, _thing: object, name: string | undefined): void {
    this.seen.push(`created ${kind} ${name}`)
  }

  ended(): void {
    this.seen.push('ended')
  }
}

test('an overseer sees each wait, and each operation that did not have to wait', async () => {
  const overseer = new WritingOverseer()
  using _watch = oversee(overseer)
  const channel = new Channel<number>(1, 'jobs')
  await channel.send(1)
  void channel.send(2)
  await channel.receive()
  await channel.receive()
  void channel.receive()
  void select({ a: channel.receiveCase() })
  await select({ a: channel.sendCase(3) })
  void new Channel().values().next()
  await new WaitGroup().wait()
  void sleep(new ManualClock(), 1)
  const scope = new Scope(undefined, 'outer')
  scope.go(async () => {}, 'first')
  await scope[Symbol.asyncDispose]()
  expect(overseer.seen).toEqual([
    'created channel jobs',
    'pass send',
    'wait send',
    'pass receive',
    'pass receive',
    'wait receive',
    'wait select',
    'pass select',
    'created channel undefined',
    'wait receive',
    'pass WaitGroup.wait',
    'wait sleep',
    'created scope outer',
    'run first',
    'wait WaitGroup.wait',
    'ended',
  ])
})

test('an overseer decides when a wait that has ended goes on', async () => {
  const overseer = new WritingOverseer()
  overseer.isHolding = true
  using _watch = oversee(overseer)
  const channel = new Channel<number>()
  let received: number | undefined
  const receiving = (async () => {
    received = (await channel.receive()).value
  })()
  channel.trySend(7)
  await Promise.resolve()
  expect(received).toBeUndefined()
  expect(channel.trySend(8)).toBe(false)
  overseer.held[0]?.()
  await receiving
  expect(received).toBe(7)
})

test('there is one overseer at a time, and none once it is disposed of', async () => {
  const watch = oversee(new WritingOverseer())
  expect(() => oversee(new WritingOverseer())).toThrow('another overseer is at work')
  watch[Symbol.dispose]()
  const second = new WritingOverseer()
  const again = oversee(second)
  watch[Symbol.dispose]()
  void new Channel().receive()
  again[Symbol.dispose]()
  void new Channel().receive()
  expect(second.seen).toEqual(['created channel undefined', 'wait receive'])
})
