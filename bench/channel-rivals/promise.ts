/** The lower bound in JavaScript: the promises that a hand-off needs, without a channel. */
import type { Shape } from '../compare.ts'

/** One task waits on its own promise, another resolves it: a hand-off without a queue. */
const unbuffered: Shape = async (operations) => {
  let wake: (value: number) => void = () => undefined
  const capture = (resolve: (value: number) => void): void => {
    wake = resolve
  }
  const receiving = (async () => {
    for (let n = 0; n < operations; n++) await new Promise(capture)
  })()
  const settled = Promise.resolve()
  for (let n = 0; n < operations; n++) {
    wake(n)
    await settled
  }
  await receiving
}

/** Two tasks that never wait for each other, and only pay for `await`. */
const bufferOfMany: Shape = async (operations) => {
  const settled = Promise.resolve()
  const sending = (async () => {
    for (let n = 0; n < operations; n++) await settled
  })()
  for (let n = 0; n < operations; n++) await Promise.resolve(n)
  await sending
}

/** Two awaits of available values. */
const oneTask: Shape = async (operations) => {
  const settled = Promise.resolve()
  for (let n = 0; n < operations; n++) {
    await settled
    await Promise.resolve(n)
  }
}

const spawnAndJoin: Shape = async (operations) => {
  const task = async (): Promise<void> => undefined
  await Promise.all(Array.from({ length: operations }, task))
}

/** All shapes, named as in `channel-shapes.ts`. */
export const shapes = {
  unbuffered,
  bufferOfMany,
  oneTask,
  spawnAndJoin,
} satisfies Readonly<Record<string, Shape>>
