/** The shapes in Effect, with its `Queue` for a channel and its fibers for tasks. It has no select. */
import { createRequire } from 'node:module'
import { Effect, Fiber, Queue } from 'effect'
import type { Shape } from '../compare.ts'

const batchSize = 128

/** The installed version of Effect. */
export const effectVersion: string = (
  createRequire(import.meta.url)('effect/package.json') as { version: string }
).version

/** Two fibers and a queue. */
function pipe(capacity: number): Shape {
  return (operations) => {
    const program = Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(capacity)
      const sending = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let n = 0; n < operations; n++) yield* Queue.offer(queue, n)
        }),
      )
      for (let n = 0; n < operations; n++) yield* Queue.take(queue)
      yield* Fiber.join(sending)
    })
    return Effect.runPromise(program)
  }
}

const oneTask: Shape = (operations) => {
  const program = Effect.gen(function* () {
    const queue = yield* Queue.bounded<number>(64)
    for (let n = 0; n < operations; n++) {
      yield* Queue.offer(queue, n)
      yield* Queue.take(queue)
    }
  })
  return Effect.runPromise(program)
}

const batches: Shape = (operations) => {
  const program = Effect.gen(function* () {
    const queue = yield* Queue.bounded<number>(batchSize)
    const sending = yield* Effect.forkChild(
      Effect.gen(function* () {
        for (let n = 0; n < operations; n += batchSize) {
          yield* Queue.offerAll(
            queue,
            Array.from({ length: batchSize }, (_, i) => n + i),
          )
        }
      }),
    )
    for (let received = 0; received < operations;) {
      received += (yield* Queue.takeBetween(queue, 1, batchSize)).length
    }
    yield* Fiber.join(sending)
  })
  return Effect.runPromise(program)
}

const spawnAndJoin: Shape = (operations) => {
  const program = Effect.gen(function* () {
    const fibers: Fiber.Fiber<void>[] = []
    for (let n = 0; n < operations; n++) fibers.push(yield* Effect.forkChild(Effect.void))
    yield* Fiber.joinAll(fibers)
  })
  return Effect.runPromise(program)
}

const fanOut: Shape = (operations) => {
  const program = Effect.gen(function* () {
    const jobs = yield* Queue.bounded<number>(128)
    const results = yield* Queue.bounded<number>(128)
    for (let worker = 0; worker < 3; worker++) {
      yield* Effect.forkChild(
        Effect.gen(function* () {
          for (;;) yield* Queue.offer(results, (yield* Queue.take(jobs)) + 1)
        }),
      )
    }
    yield* Effect.forkChild(
      Effect.gen(function* () {
        for (let n = 0; n < operations; n++) yield* Queue.offer(jobs, n)
      }),
    )
    for (let n = 0; n < operations; n++) yield* Queue.take(results)
  })
  return Effect.runPromise(program)
}

/** All shapes, named as in `channel-shapes.ts`. */
export const shapes = {
  unbuffered: pipe(0),
  bufferOfOne: pipe(1),
  bufferOfMany: pipe(128),
  oneTask,
  batches,
  spawnAndJoin,
  fanOut,
} satisfies Readonly<Record<string, Shape>>
