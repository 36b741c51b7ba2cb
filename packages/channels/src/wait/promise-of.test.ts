import { describe, expect, test } from 'vitest'
import { Channel } from '../channel/channel.ts'
import { EMPTY } from '../channel/channel-end.ts'
import { background } from '../context/endless-context.ts'
import { Cond } from '../task/cond.ts'
import { ErrGroup } from '../task/err-group.ts'
import { Mutex } from '../task/mutex.ts'
import { once } from '../task/once.ts'
import { Semaphore } from '../task/semaphore.ts'
import { SingleFlight } from '../task/single-flight.ts'
import { WaitGroup } from '../task/wait-group.ts'
import { RateLimiter } from '../time/rate-limiter.ts'
import { ManualClock } from '@millrace/world'

const never = (): Promise<never> => new Promise(() => undefined)

/** Each way to wait under a signal, where it really waits. */
const waits: readonly (readonly [name: string, wait: (signal: AbortSignal) => Promise<unknown>])[] = [
  ['send', (signal) => new Channel<number>().send(1, signal)],
  ['sendMany', (signal) => new Channel<number>().sendMany([1, 2], signal)],
  ['receive', (signal) => new Channel<number>().receive(signal)],
  ['receiveMany', (signal) => new Channel<number>().receiveMany(2, signal)],
  ['receive', (signal) => new Channel<number>().values(signal).next()],
  ['Cond.wait', (signal) => new Cond().wait(signal)],
  ['once', (signal) => once(never)(signal)],
  ['SingleFlight.run', (signal) => new SingleFlight().run('key', never, signal)],
  [
    'Mutex.lock',
    (signal) => {
      const mutex = new Mutex()
      mutex.tryLock()
      return mutex.lock(signal)
    },
  ],
  [
    'Semaphore.acquire',
    (signal) => {
      const semaphore = new Semaphore(1)
      semaphore.tryAcquire()
      return semaphore.acquire(1, signal)
    },
  ],
  [
    'WaitGroup.wait',
    (signal) => {
      const group = new WaitGroup()
      group.add()
      return group.wait(signal)
    },
  ],
  [
    'ErrGroup.go',
    (signal) => {
      const group = new ErrGroup()
      group.setLimit(1)
      group.tryGo(never)
      return group.go(never, signal)
    },
  ],
  [
    'RateLimiter.wait',
    (signal) => {
      const limiter = new RateLimiter({ clock: new ManualClock(), perSecond: 1, burst: 1 })
      limiter.allow()
      return limiter.wait(1, signal)
    },
  ],
]

describe('a wait with an argument that is not a signal, passed by plain JavaScript', () => {
  test.each(waits)('%s rejects it and names what to pass', async (name, wait) => {
    for (const [given, text] of [
      [background, 'is an EndlessContext; pass its property signal'],
      [new AbortController(), 'is an AbortController; pass its property signal'],
      [{ signal: new AbortController().signal }, 'is an object; pass its property signal'],
      [500, 'is 500; pass an AbortSignal, or leave it out'],
      [null, 'is null; pass an AbortSignal, or leave it out'],
    ] as const) {
      await expect(wait(given as unknown as AbortSignal)).rejects.toThrow(
        new TypeError(`${name}: the signal ${text}`),
      )
    }
  })

  test('leaves no waiter in the queue, which would take a value from others', async () => {
    const channel = new Channel<number>()
    const [given, none] = [background as never, null as never]
    await expect(channel.receive(given)).rejects.toThrow(TypeError)
    await expect(channel.receiveMany(1, none)).rejects.toThrow(TypeError)
    expect(channel.trySend(1)).toBe(false)
    await expect(channel.send(2, given)).rejects.toThrow(TypeError)
    await expect(channel.sendMany([3, 4], none)).rejects.toThrow(TypeError)
    expect(channel.tryReceive()).toBe(EMPTY)
  })

  test('serves the waiters behind it', async () => {
    const limiter = new RateLimiter({ clock: new ManualClock(), perSecond: 1, burst: 1 })
    limiter.allow()
    await expect(limiter.wait(1, background as unknown as AbortSignal)).rejects.toThrow(TypeError)
    expect(limiter.reserve().delayMs).toBe(1_000)
  })
})
