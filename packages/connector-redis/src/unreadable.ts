import type { Redis } from 'ioredis'

/** What waits for an answer: a part of the client that its types do not show whole. */
interface WaitingCommand {
  readonly command: { readonly name: string; readonly resolve: () => void; readonly reject: () => void }
}

interface Internals {
  commandQueue: { shift(): WaitingCommand | undefined }
  resetCommandQueue(): void
  flushQueue(...given: unknown[]): void
}

const nothing = (): void => {}
/** Takes an answer that nothing has asked for. */
const noCommand: WaitingCommand = { command: { name: 'none', resolve: nothing, reject: nothing } }

/**
 * Makes a client replace a connection whose bytes are no answers, as one that is cut: commands are sent again over the next one.
 *
 * By itself the client fails all waiting commands with what its parser says. And it throws where nothing catches it when an empty answer
 * comes that nothing has asked for, which ends the process.
 */
export function replaceIfUnreadable(client: Redis): void {
  // Nothing more is read of a stream that is destroyed.
  const replace = (error: Error): void => {
    client.emit('error', error)
    client.stream.destroy()
  }
  const recover = client.recoverFromFatalError.bind(client)
  client.recoverFromFatalError = (commandError, error, options) => {
    const isOfParser = options?.offlineQueue === false
    if (!isOfParser || client.status !== 'ready') recover(commandError, error, options)
    else replace(error)
  }
  catchSurplus(client as unknown as Internals, () =>
    replace(new Error('the server has sent an answer that nothing has asked for')),
  )
}

/** Calls `found` for an answer that nothing waits for. */
function catchSurplus(client: Internals, found: () => void): void {
  let isFlushing = false
  const watch = (): void => {
    const { commandQueue } = client
    const shift = commandQueue.shift.bind(commandQueue)
    commandQueue.shift = () => {
      const waiting = shift()
      if (waiting !== undefined || isFlushing) return waiting
      found()
      return noCommand
    }
  }
  const reset = client.resetCommandQueue.bind(client)
  client.resetCommandQueue = () => {
    reset()
    watch()
  }
  const flush = client.flushQueue.bind(client)
  client.flushQueue = (...given) => {
    isFlushing = true
    try {
      flush(...given)
    } finally {
      isFlushing = false
    }
  }
  watch()
}
