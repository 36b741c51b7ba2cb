// Runs in a worker that only its channel keeps alive.
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { openChannel } from '../src/channel/shared-channel.ts'
import type { ChannelHandle } from '../src/channel/shared-channel.ts'
import { textCodec } from '../src/codec/plain-codecs.ts'

/** Posts the values it receives, until 'leave'. Then it waits once more, and aborts the wait. */
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
