import { expect, test } from 'vitest'
import { Channel } from '../channel/channel.ts'
import { select } from '../channel/select.ts'
import { Scope } from '../task/scope.ts'
import { WaitGroup } from '../task/wait-group.ts'
import { ManualClock, installWaitRegistry, sleep } from '@millrace/world'
import type { Begin, WaitRegistry } from '@millrace/world'

/** Writes down what it sees. */
class WritingRegistry implements WaitRegistry {
  readonly seen: string[] = []

  wait<T>(kind: string, _on: object, begin: Begin<T>): Promise<T> {
    this.seen.push(`wait ${kind}`)
    return new Promise(begin)
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

test('a wait registry sees each wait, and each operation that did not have to wait', async () => {
  const registry = new WritingRegistry()
  using _watch = installWaitRegistry(registry)
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
  expect(registry.seen).toEqual([
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
