import { check, checkEqual } from './check.ts'
import { noManifest, upTo } from './sink-life.ts'
import type { SinkTrial } from './sink-trial.ts'

// What a sink does step by step, with restarts where a job would make them.

export async function arrives<T>(trial: SinkTrial<T>): Promise<void> {
  checkEqual(trial.subject.sink().guarantee, trial.features.guarantee, 'the guarantee')
  const life = await trial.live().open()
  for (const count of [1, 7, 300, 2]) {
    await life.write(count)
    await life.write(3)
    await life.checkpoint()
  }
  await life.close()
  await life.checkVisible(322, 'at the end')
}

export async function rejects<T>(trial: SinkTrial<T>, unwritable: T): Promise<void> {
  const life = await trial.live().open()
  checkEqual(await life.writeAround(0, unwritable, [0]), [0], 'what is rejected of a batch of one')
  checkEqual(await life.writeAround(5, unwritable, [0, 3, 4, 7]), [0, 3, 4, 7], 'what is rejected')
  await life.checkpoint()
  await life.write(2)
  await life.checkpoint()
  await life.close()
  await life.checkVisible(7, 'after records that cannot be written')
}

export async function shortWrites<T>(trial: SinkTrial<T>): Promise<void> {
  const life = trial.live()
  life.fs.writeBytesMax = 5
  await life.open()
  await life.write(20)
  await life.checkpoint()
  await life.close()
  await life.checkVisible(20, 'on a disk that takes five bytes at a time')
}

export async function nothingWritten<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.checkpoint()
  await life.checkpoint()
  await life.write(2)
  await life.checkpoint()
  await life.checkpoint()
  await life.close()
  await life.checkVisible(2, 'after checkpoints with nothing written')
  const next = await trial.live(life).open()
  await next.checkVisible(2, 'after a restart from a checkpoint with nothing written')
  await next.close()
}

export async function release<T>(trial: SinkTrial<T>): Promise<void> {
  for (const step of ['opened', 'written', 'prepared'] as const) {
    const life = await trial.live().open(trial.features.severalSubtasks ? 2 : 1)
    if (step !== 'opened') await life.write(3)
    if (step === 'prepared') await life.prepare()
    life.abort()
    await life.close()
    await life.quiet()
    life.checkReleased()
  }
}

export async function subtasks<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open(3)
  for (let round = 0; round < 2; round++) {
    for (const subtask of [0, 1, 2, 1, 0]) await life.write(2, subtask)
    await life.checkpoint()
  }
  await life.close()
  const visible = await life.visible()
  checkEqual(
    visible.toSorted((a, b) => a - b),
    upTo(20),
    'what is visible, sorted',
  )
  const positions = new Map(visible.map((number, index) => [number, index]))
  // Each subtask's records, in the order in which it was given them.
  for (const own of [
    [0, 1, 8, 9, 10, 11, 18, 19],
    [2, 3, 6, 7, 12, 13, 16, 17],
    [4, 5, 14, 15],
  ]) {
    const places = own.map((number) => positions.get(number)!)
    checkEqual(places, sorted(places), `the places of the records ${own.join(', ')}`)
  }
}

export async function fewerSubtasks<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open(3)
  for (const subtask of [0, 1, 2]) await life.write(2, subtask)
  await life.prepare()
  await life.publish()
  const next = await trial.live(life).open(1)
  checkEqual(sorted(await next.visible()), upTo(6), 'what is visible after a restart with one subtask')
  await next.close()
}

export async function hiddenBeforeCommit<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.write(500)
  await life.checkVisible(0, 'after a write')
  await life.prepare()
  await life.checkVisible(0, 'after prepare')
  await life.publish()
  await life.write(4)
  await life.checkVisible(0, 'after more was written')
  await life.commit()
  await life.checkVisible(500, 'after commit')
  await life.close()
  await life.checkVisible(500, 'after close')
}

export async function severalPrepared<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  const prepared = []
  for (let checkpoint = 0; checkpoint < 3; checkpoint++) {
    await life.write(3)
    prepared.push(...(await life.prepare()))
  }
  checkEqual(new Set(prepared.map((each) => JSON.stringify(each))).size, 3, 'the number of committables')
  for (const [index, committable] of prepared.entries()) {
    await life.commitOne(committable)
    await life.checkVisible(3 * (index + 1), `after commit ${index + 1} of 3`)
  }
  await life.close()
}

export async function committedAgain<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.write(3)
  const [committable] = await life.prepare()
  check(committable !== undefined, 'prepare has returned nothing though something was written')
  await life.commitOne(committable)
  await life.commitOne(committable)
  await life.checkVisible(3, 'after a second commit')
  await life.write(2)
  await life.checkpoint()
  await life.checkVisible(5, 'after a commit of what was committed before, and more')
  await life.close()
}

export async function pendingOnReopen<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.write(3)
  await life.prepare()
  await life.write(2)
  await life.prepare()
  await life.publish()
  const next = await trial.live(life).open()
  await next.checkVisible(5, 'after a restart with two committables pending')
  await next.write(1)
  await next.checkpoint()
  await next.close()
  await next.checkVisible(6, 'after another checkpoint')
}

export async function pendingCommittedBefore<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.write(3)
  await life.checkpoint()
  const { manifest } = life
  await life.write(4)
  await life.close()
  for (let restart = 0; restart < 2; restart++) {
    const next = await trial.live(life, manifest).open()
    await next.checkVisible(3, 'after a restart whose pending committable was committed before')
    await next.close()
  }
}

export async function unpreparedDiscarded<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.write(3)
  await life.checkpoint()
  await life.write(400)
  await life.close()
  await life.checkVisible(3, 'after close')
  const next = await trial.live(life).open()
  await next.checkVisible(3, 'after a restart')
  await next.write(2)
  await next.checkpoint()
  await next.close()
  await next.checkVisible(5, 'after a checkpoint of the next life')
}

export async function unnamedDiscarded<T>(trial: SinkTrial<T>): Promise<void> {
  const life = await trial.live().open()
  await life.write(3)
  await life.prepare()
  const next = await trial.live(life, noManifest).open()
  await next.checkVisible(0, 'after a restart whose manifest does not name what was prepared')
  await next.write(2)
  await next.checkpoint()
  await next.close()
  await next.checkVisible(2, 'after a checkpoint of the next life')
}

export async function leavesNothing<T>(trial: SinkTrial<T>): Promise<void> {
  let life = await trial.live().open()
  await life.write(3)
  await life.checkpoint()
  life = await trial.live(life).open()
  const clean = life.fs.paths().length
  for (let crash = 0; crash < 4; crash++) {
    await life.write(200)
    await life.prepare()
    await life.write(200)
    life = await trial.live(life).open()
    checkEqual(life.fs.paths().length, clean, 'the number of files after a crash and a restart')
  }
  await life.close()
}

function sorted(numbers: readonly number[]): readonly number[] {
  return numbers.toSorted((a, b) => a - b)
}
