import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { CountingJob } from './counting-job.ts'
import { query, wrongCut } from './queries.ts'

/** How the job is started, the first time and after each kill. */
const lives: readonly (readonly string[])[] = [
  ['--threads=1'],
  ['--threads=1', '--parallelism=4'],
  ['--parallelism=2'],
  ['--threads=1'],
]
const answersEach = 300

test('state is asked for while a job runs, is killed, restored and rescaled: no answer is wrong, and none is a 5xx', async () => {
  const job = await CountingJob.make()
  onTestFinished(() => job.remove())
  await job.start(...lives[0]!)
  let isOver = false
  let answers = 0
  const asking = query(
    () => job.url,
    () => isOver,
    8,
    () => answers++,
  )
  let records = 0
  for (const life of lives) {
    if (life !== lives[0]) {
      await job.kill()
      await job.start(...life)
    }
    const enough = answers + answersEach
    while (answers < enough) await delay(20)
    // A checkpoint later than what every life before has committed.
    let cut = await wrongCut(job.url)
    while (cut === undefined || (typeof cut === 'number' && cut <= records)) {
      await delay(20)
      cut = await wrongCut(job.url)
    }
    expect(cut).toBeTypeOf('number')
    records = cut as number
  }
  isOver = true
  const { wrong, serverErrors, unready, unreachable } = await asking
  expect({ wrong, serverErrors }).toEqual({ wrong: [], serverErrors: 0 })
  // It was asked also while it could not answer.
  expect(unready + unreachable).toBeGreaterThan(0)
})
