/** What do a send with its receive, an unbuffered hand-off and a select of two ready channels cost? */
import { Channel, select } from '@millrace/channels'
import { measure } from './measure.ts'

const operations = 10_000

async function handOff(capacity: number): Promise<void> {
  const channel = new Channel<number>(capacity)
  const receiving = (async () => {
    for (let n = 0; n < operations; n++) await channel.receive()
  })()
  for (let n = 0; n < operations; n++) await channel.send(n)
  await receiving
}

const buffered = new Channel<number>(64)
const left = new Channel<number>(operations)
const right = new Channel<number>(operations)

await measure([
  {
    name: 'trySend and tryReceive, buffered',
    operations,
    run: () => {
      for (let n = 0; n < operations; n++) {
        buffered.trySend(n)
        buffered.tryReceive()
      }
    },
  },
  {
    name: 'send and receive, buffered, one task',
    operations,
    run: async () => {
      for (let n = 0; n < operations; n++) {
        await buffered.send(n)
        await buffered.receive()
      }
    },
  },
  { name: 'send and receive, buffer of 64, two tasks', operations, run: () => handOff(64) },
  { name: 'send and receive, unbuffered, two tasks', operations, run: () => handOff(0) },
  {
    name: 'select of two ready channels, with its sends',
    operations,
    run: async () => {
      left.trySend(0)
      right.trySend(0)
      for (let n = 0; n < operations; n++) {
        const chosen = await select({ left: left.receiveCase(), right: right.receiveCase() })
        if (chosen.case === 'left') left.trySend(n)
        else right.trySend(n)
      }
      left.tryReceive()
      right.tryReceive()
    },
  },
])
