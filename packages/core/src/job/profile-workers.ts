import { allOf } from './team.ts'
import type { ThreadProfile } from './thread-profile.ts'
import type { Worker } from './worker.ts'

/** Profiles workers at the same time, until `wait` resolves. */
export async function profileWorkers(
  workers: readonly Pick<Worker, 'startProfile' | 'endProfile'>[],
  wait: () => Promise<void>,
): Promise<readonly ThreadProfile[]> {
  let ended: readonly PromiseSettledResult<ThreadProfile | undefined>[] = []
  try {
    await allOf(workers.map((worker) => worker.startProfile()))
    await wait()
  } finally {
    ended = await Promise.allSettled(workers.map((worker) => worker.endProfile()))
  }
  return ended.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value ?? []
  })
}
