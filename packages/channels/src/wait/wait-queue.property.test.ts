import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Waiter, WaitQueue } from './wait-queue.ts'

test('wait queue: waiters that have not left are served in the order in which they joined', () => {
  const steps = fc.array(
    fc.oneof(
      fc.constant({ kind: 'join' as const }),
      fc.constant({ kind: 'shift' as const }),
      fc.record({ kind: fc.constant('leave' as const), who: fc.nat() }),
    ),
    { maxLength: 100 },
  )
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new WaitQueue<Waiter>()
      const everyone: Waiter[] = []
      let model: Waiter[] = []
      for (const step of all) {
        if (step.kind === 'join') {
          const waiter = new Waiter(undefined, undefined)
          everyone.push(waiter)
          model.push(waiter)
          queue.join(waiter)
        } else if (step.kind === 'shift') {
          expect(queue.shift()).toBe(model.shift())
        } else if (everyone.length > 0) {
          // Often one that has left already: then nothing happens.
          const waiter = everyone[step.who % everyone.length]!
          waiter[Symbol.dispose]()
          model = model.filter((other) => other !== waiter)
        }
        expect([queue.isEmpty, queue.first]).toEqual([model.length === 0, model[0]])
      }
    }),
  )
})

test('wait queue: a waiter that has left may join the same or another queue', () => {
  const [a, b] = [new WaitQueue<Waiter>(), new WaitQueue<Waiter>()]
  const waiter = new Waiter(undefined, undefined)
  a.join(waiter)
  waiter[Symbol.dispose]()
  b.join(waiter)
  expect([a.shift(), b.shift(), b.shift()]).toEqual([undefined, waiter, undefined])
})
