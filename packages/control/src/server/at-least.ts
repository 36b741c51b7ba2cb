import type { WatchedJob } from '../job/watched-job.ts'
import { RequestError } from './problems.ts'

/** How long a request waits for a checkpoint, in milliseconds. */
const waitMs = 5_000

/**
 * Resolves once the state of a job contains a checkpoint: once that checkpoint, or a later one, is complete. Throws 503 with `Retry-After`
 * where it is not after five seconds.
 */
export async function untilContains(watched: WatchedJob, checkpoint: number): Promise<void> {
  if (newestOf(watched) >= checkpoint || (await isReached(watched, checkpoint))) return
  const text = `checkpoint ${checkpoint} is not complete after ${waitMs / 1_000} s; the newest is ${newestOf(watched)}`
  throw new RequestError(503, 'NOT_YET', text, 1)
}

function newestOf({ job, happenings }: WatchedJob): number {
  return Math.max(job.status().lastCheckpoint?.checkpoint ?? 0, happenings.restoredFrom ?? 0)
}

function isReached(watched: WatchedJob, checkpoint: number): Promise<boolean> {
  const { happenings, options } = watched
  return new Promise((resolve) => {
    const end = (isThere: boolean): void => {
      timer[Symbol.dispose]()
      gone[Symbol.dispose]()
      happenings.listeners.delete(look)
      resolve(isThere)
    }
    const look = (): void => {
      if (newestOf(watched) >= checkpoint) end(true)
    }
    const timer = options.platform.clock.schedule(waitMs, () => end(newestOf(watched) >= checkpoint))
    const gone = watched.onGone(() => end(false))
    happenings.listeners.add(look)
  })
}
