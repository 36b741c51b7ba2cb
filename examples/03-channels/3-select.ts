// One loop over several channels: jobs, a stop, and a timeout when nothing arrives.
import { after, Channel, Scope, select, systemClock } from '@millrace/channels'

const jobs = new Channel<string>()
const stop = new Channel<never>()
const idle = new Channel<null>()

async function work(signal: AbortSignal): Promise<void> {
  for (;;) {
    const chosen = await select(
      {
        job: jobs.receiveCase(),
        stop: stop.receiveCase(),
        // Go: case <-time.After(50 * time.Millisecond). The timeout restarts in each round.
        idle: after(systemClock, 50),
      },
      { signal },
    )
    switch (chosen.case) {
      case 'job':
        console.log(`job ${chosen.value}`)
        break // leaves the switch; the loop continues
      case 'idle':
        console.log('nothing to do for 50 ms')
        await idle.send(null, signal)
        break
      case 'stop':
        console.log('stopped')
        return
    }
  }
}

await using scope = new Scope()
scope.go(work)

await jobs.send('wash')
await jobs.send('dry')
await idle.receive()
await jobs.send('fold')
stop.close() // a closed channel is always ready: every select on it is woken

await scope.wait()
