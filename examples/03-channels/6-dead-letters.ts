// Jobs are retried; jobs that keep failing go to a dead-letter channel. Ctrl-C stops gracefully: no new job
// is started, running ones are finished.
import { aborted, Channel, Scope, select, sleep, systemClock, type ReceiveChannel } from '@millrace/channels'

const attemptsMax = 3

interface DeadLetter {
  readonly job: number
  readonly error: unknown
}

/** A service that always fails every fifth job, and fails every third once. */
async function handle(job: number, attempt: number): Promise<void> {
  if (job % 5 === 0) throw new Error('no such customer')
  if (job % 3 === 0 && attempt === 1) throw new Error('busy')
}

const stopping = new AbortController()
process.once('SIGINT', () => {
  console.log('stopping: no new jobs')
  stopping.abort()
})

const jobs = new Channel<number>(4)
const deadLetters = new Channel<DeadLetter>(16)
const counts = { accepted: 0, done: 0, dead: 0 }

async function accept(signal: AbortSignal): Promise<void> {
  const stop = aborted(stopping.signal)
  for (let job = 1; !stopping.signal.aborted; job++) {
    const chosen = await select({ put: jobs.sendCase(job), stop }, { signal })
    if (chosen.case === 'put') counts.accepted++
  }
  jobs.close()
}

async function work(signal: AbortSignal): Promise<void> {
  for await (const job of jobs.values(signal)) {
    for (let attempt = 1; ; attempt++) {
      try {
        await handle(job, attempt)
        counts.done++
        if (attempt > 1) console.log(`job ${job}: done at attempt ${attempt}`)
        break
      } catch (error) {
        if (attempt === attemptsMax) {
          await deadLetters.send({ job, error }, signal)
          break
        }
        await sleep(systemClock, 2 ** attempt, signal) // back off
      }
    }
    await sleep(systemClock, 2, signal)
  }
  deadLetters.close()
}

async function bury(letters: ReceiveChannel<DeadLetter>, signal: AbortSignal): Promise<void> {
  for await (const { job, error } of letters.values(signal)) {
    counts.dead++
    console.log(`job ${job}: dead after ${attemptsMax} attempts: ${(error as Error).message}`)
  }
}

await using scope = new Scope()
scope.go(accept)
scope.go(work)
scope.go((signal) => bury(deadLetters, signal))
await scope.wait()

const { accepted, done, dead } = counts
console.log(`accepted ${accepted} = done ${done} + dead ${dead}`)
