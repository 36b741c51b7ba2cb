import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { OverflowError } from '../pattern/overflow.ts'
import { Scope } from '../task/scope.ts'
import { fromEvents, pipeToEmitter, type EventOptions } from './events.ts'

const broken = new Error('broken')
const plenty: EventOptions = { capacity: 100, whenFull: 'fail', endOn: 'end' }

interface Jobs {
  job: [id: number, name: string]
  end: []
  error: [error: Error]
}

const nameOf = (_id: number, name: string): string => name

describe('events as a channel', () => {
  everySchedule('arrive in order until the end event', async () => {
    await using scope = new Scope()
    const emitter = new EventEmitter<Jobs>()
    const names = fromEvents(scope, emitter, 'job', nameOf, plenty)
    emitter.emit('job', 1, 'wash')
    emitter.emit('job', 2, 'dry')
    emitter.emit('end')
    const received: string[] = []
    for await (const name of names) received.push(name)
    expect(received).toEqual(['wash', 'dry'])
    expect(names.dropped).toBe(0)
    expect(emitter.eventNames()).toEqual([])
    await scope.wait()
  })

  everySchedule('reach a waiting receiver', async () => {
    await using scope = new Scope()
    const emitter = new EventEmitter<Jobs>()
    const received = fromEvents(scope, emitter, 'job', nameOf, plenty).receive()
    expect(await hasSettled(received)).toBe(false)
    emitter.emit('job', 1, 'wash')
    expect(await received).toEqual({ ok: true, value: 'wash' })
  })

  everySchedule.each(['dropOldest', 'dropNewest'] as const)(
    'that exceed the capacity are dropped and counted: %s',
    async (whenFull) => {
      await using scope = new Scope()
      const emitter = new EventEmitter()
      const options = { capacity: 3, whenFull, endOn: 'end' }
      const numbers = fromEvents(scope, emitter, 'n', (n: number) => n, options)
      for (const n of upTo(10)) emitter.emit('n', n)
      emitter.emit('end')
      expect(numbers.dropped).toBe(7)
      const received: number[] = []
      for await (const n of numbers) received.push(n)
      expect(received).toEqual(whenFull === 'dropOldest' ? [7, 8, 9] : [0, 1, 2])
    },
  )

  everySchedule('that exceed the capacity fail the scope with the rule `fail`', async () => {
    const scope = new Scope()
    const emitter = new EventEmitter()
    const numbers = fromEvents(scope, emitter, 'n', (n: number) => n, { capacity: 2, whenFull: 'fail' })
    for (const n of upTo(3)) emitter.emit('n', n)
    await expect(scope.wait()).rejects.toBeInstanceOf(OverflowError)
    await expect(numbers.receive()).rejects.toMatchObject({ code: 'CHANNEL_OVERFLOW' })
    expect(emitter.eventNames()).toEqual([])
  })

  everySchedule('of an emitter that fails fail the scope', async () => {
    const scope = new Scope()
    const emitter = new EventEmitter<Jobs>()
    const names = fromEvents(scope, emitter, 'job', nameOf, plenty)
    emitter.emit('error', broken)
    await expect(names.receive()).rejects.toBe(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect(emitter.eventNames()).toEqual([])
  })

  everySchedule('whose `pick` throws fail the scope, and not the emitter', async () => {
    const scope = new Scope()
    const emitter = new EventEmitter()
    const pick = (): never => {
      throw broken
    }
    fromEvents(scope, emitter, 'n', pick, plenty)
    expect(emitter.emit('n', 1)).toBe(true)
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('are unsubscribed when the scope is cancelled', async () => {
    const scope = new Scope()
    const emitter = new EventEmitter<Jobs>()
    fromEvents(scope, emitter, 'job', nameOf, plenty)
    expect(emitter.eventNames()).toEqual(['job', 'error', 'end'])
    scope.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect(emitter.eventNames()).toEqual([])
  })

  test('need a buffer', () => {
    const options = { capacity: 0, whenFull: 'fail' } as const
    expect(() => fromEvents(new Scope(), new EventEmitter(), 'n', (n: number) => n, options)).toThrow(
      RangeError,
    )
  })

  test('are typed by their emitter', () => {
    const check = (scope: Scope, emitter: EventEmitter<Jobs>): void => {
      // @ts-expect-error the first argument of the event is a number
      fromEvents(scope, emitter, 'job', (id: string) => id, plenty)
      // @ts-expect-error the event has no third argument
      fromEvents(scope, emitter, 'job', (_id: number, _name: string, more: string) => more, plenty)
    }
    expect(check).toBeInstanceOf(Function)
  })
})

describe('a channel as events', () => {
  everySchedule('emits each value, and the end', async () => {
    await using scope = new Scope()
    const [emitter, input] = [new EventEmitter(), new Channel<string>(2)]
    const heard: unknown[] = []
    emitter.on('job', (name) => heard.push(name))
    emitter.on('end', () => heard.push('the end'))
    pipeToEmitter(scope, input, emitter, 'job', 'end')
    await input.send('wash')
    await input.send('dry')
    input.close()
    await scope.wait()
    expect(heard).toEqual(['wash', 'dry', 'the end'])
  })

  everySchedule('a listener that throws fails the scope', async () => {
    const scope = new Scope()
    const [emitter, input] = [new EventEmitter(), new Channel<string>(2)]
    emitter.on('job', () => {
      throw broken
    })
    pipeToEmitter(scope, input, emitter, 'job')
    await input.send('wash')
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('a cancelled scope emits nothing more, and no end', async () => {
    const scope = new Scope()
    const [emitter, input] = [new EventEmitter(), new Channel<string>(1)]
    const heard: unknown[] = []
    for (const name of ['job', 'end']) emitter.on(name, () => heard.push(name))
    pipeToEmitter(scope, input, emitter, 'job', 'end')
    scope.cancel(broken)
    await scope.wait().catch(() => undefined)
    await settle()
    expect([heard, input.trySend('wash'), input.length]).toEqual([[], true, 1])
  })
})
