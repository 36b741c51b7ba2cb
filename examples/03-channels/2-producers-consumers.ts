// Three producers and two consumers on one buffered channel. The last producer to end closes it.
import { Channel, Scope, WaitGroup, type ReceiveChannel, type SendChannel } from '@millrace/channels'

async function produce(id: number, out: SendChannel<string>, signal: AbortSignal): Promise<void> {
  for (let n = 1; n <= 4; n++) await out.send(`${id}.${n}`, signal)
}

async function consume(input: ReceiveChannel<string>, got: string[], signal: AbortSignal): Promise<void> {
  for await (const item of input.values(signal)) got.push(item)
}

const items = new Channel<string>(3)
const producers = new WaitGroup()
const got: string[] = []

{
  // Leaving the block waits for its tasks, and throws the error of a failed task.
  await using scope = new Scope()

  for (const id of [1, 2, 3]) {
    scope.go((signal) => producers.go(() => produce(id, items, signal)))
  }
  scope.go(async (signal) => {
    await producers.wait(signal)
    console.log('all is produced')
    items.close()
  })
  for (let consumer = 0; consumer < 2; consumer++) scope.go((signal) => consume(items, got, signal))

  await scope.wait()
}

console.log(`${got.length} items, each once: ${got.toSorted().join(' ')}`)
for (const id of [1, 2, 3]) {
  const own = got.filter((item) => item.startsWith(`${id}.`))
  console.log(`of producer ${id} in order: ${own.join(' ')}`)
}
