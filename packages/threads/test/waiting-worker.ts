// Runs in a worker that has nothing to live for but its channel.
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { openChannel } from '../src/channel/shared-channel.ts'
import type { ChannelHandle } from '../src/channel/shared-channel.ts'
import { textCodec } from '../src/codec/plain-codecs.ts'

/** Posts what it receives, until that is 'leave'. Then it waits once more, and gives up waiting. */
export async function serve(): Promise<void> {
  const port = parentPort!
  // Not with a listener, which would keep the thread alive by itself.
  let posted: { readonly message: unknown } | undefined
  while (posted === undefined) posted = receiveMessageOnPort(port)
  const channel = openChannel(posted.message as ChannelHandle<string>, textCodec)
  for await (const line of channel) {
    port.postMessage(line)
    if (line === 'leave') break
  }
  const controller = new AbortController()
  const abandoned = channel.receive(controller.signal)
  controller.abort(new Error('enough'))
  await abandoned.catch(() => port.postMessage('left'))
}
