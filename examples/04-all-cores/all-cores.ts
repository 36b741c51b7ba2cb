// A pipeline whose middle stage computes, first in this thread, then in a pool of workers: one argument
// differs.
import { Channel, parallelMap, Scope, type ReceiveChannel } from '@millrace/channels'
import { pool } from '@millrace/threads'
import { seal, type Sealed } from './seal.ts'

/** Sends the pages of a ledger, then closes. */
function pages(scope: Scope): ReceiveChannel<string> {
  const out = new Channel<string>(2)
  scope.go(async (signal) => {
    for (const day of ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']) {
      await out.send(`sales of ${day}`, signal)
    }
    out.close()
  })
  return out
}

/** Seals every page and prints the seals, in the order of the pages. */
async function print(
  sealPage: (page: string, signal: AbortSignal) => Sealed | Promise<Sealed>,
): Promise<void> {
  await using scope = new Scope()
  for await (const { page, nonce, digest } of parallelMap(scope, pages(scope), 4, sealPage)) {
    console.log(`${page}: ${digest.slice(0, 12)}, nonce ${nonce}`)
  }
  await scope.wait()
}

console.log('in this thread')
await print(seal)

await using workers = pool<typeof import('./seal.ts')>(new URL('./seal.ts', import.meta.url))
console.log('in workers')
await print(workers.fn('seal'))
