// Five concurrent workers, and a wait group to wait for them all.
import { sleep, systemClock, WaitGroup } from '@millrace/channels'

async function worker(id: number): Promise<void> {
  console.log(`worker ${id} starts`)
  await sleep(systemClock, id * 20)
  console.log(`worker ${id} is done`)
}

const group = new WaitGroup()
const running: Promise<void>[] = []

for (let id = 1; id <= 5; id++) {
  // Go: wg.Go(func() { worker(id) }). The promise is the worker's outcome; a wait group only counts.
  running.push(group.go(() => worker(id)))
}

console.log(`${group.count} workers are running`)
await group.wait()
await Promise.all(running)
console.log('all workers are done')
