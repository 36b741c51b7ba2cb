import { ManualClock, systemScheduler } from '@millrace/world'
import { expect, test } from 'vitest'
import { LatestAnswer } from './latest-answer.ts'

const settled = (): Promise<void> => systemScheduler.turn()

test('latest answer: asks once a second at most, however often it is wanted', async () => {
  const clock = new ManualClock(0)
  let asked = 0
  const answer = new LatestAnswer(clock, () => Promise.resolve(++asked))
  expect(answer.value).toBeUndefined()
  for (let n = 0; n < 3; n++) {
    answer.refresh()
    await settled()
  }
  expect([asked, answer.value]).toEqual([1, 1])
  await clock.advance(999)
  answer.refresh()
  expect(asked).toBe(1)
  await clock.advance(1)
  answer.refresh()
  await settled()
  expect(answer.value).toBe(2)
})

test('latest answer: a question without an answer is not asked again meanwhile', async () => {
  const clock = new ManualClock(0)
  const answers: ((value: number) => void)[] = []
  const answer = new LatestAnswer(clock, () => new Promise<number>((resolve) => answers.push(resolve)))
  answer.refresh()
  await clock.advance(5_000)
  answer.refresh()
  expect(answers.length).toBe(1)
  answers[0]!(7)
  await settled()
  answer.refresh()
  expect([answers.length, answer.value]).toEqual([2, 7])
})

test.each([
  ['fails', () => Promise.reject(new Error('the server is gone'))],
  ['throws', () => expect.unreachable()],
  ['has no answer', () => Promise.resolve(undefined)],
])('latest answer: a question that %s leaves the answer before it', async (_how, ask) => {
  const clock = new ManualClock(0)
  const questions = [() => Promise.resolve(3), ask as () => Promise<number | undefined>]
  const answer = new LatestAnswer(clock, () => questions.shift()!())
  for (let n = 0; n < 2; n++) {
    answer.refresh()
    await settled()
    await clock.advance(1_000)
  }
  expect(answer.value).toBe(3)
})
