/** The only file that uses the process: its standard input, standard output and signals. */
import { MillraceError } from '@millrace/core'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'
import type { ByteInput } from './byte-input.ts'
import type { TextOutput } from './text-output.ts'

let isInputTaken = false

/** Standard input of this process. */
export const standardInput: ByteInput = {
  start(listener) {
    requireFreeInput()
    isInputTaken = true
    // A listener for `data` starts the flow, so it is added only when a reader opens the input.
    process.stdin.pause()
    process.stdin.on('data', (chunk: Uint8Array) => listener.data(chunk))
    process.stdin.once('end', () => listener.end())
    process.stdin.once('error', (error) => listener.failed(error))
    process.stdin.pause()
  },
  pause: () => void process.stdin.pause(),
  resume: () => void process.stdin.resume(),
}

/** Throws on a second call: two readers would each get an arbitrary part of the input. */
function requireFreeInput(): void {
  if (isInputTaken) {
    throw new MillraceError(
      'OPTION_INVALID',
      'standard input is read by two sources. Read it once and use the stream twice',
    )
  }
  if (!isMainThread) {
    throw new MillraceError(
      'OPTION_INVALID',
      'standard input can be read on the main thread only, and this is a worker. Run the job with parallelism 1',
    )
  }
}

let isOutputWatched = false

/** Standard output of this process. */
export const standardOutput: TextOutput = {
  write(text) {
    if (!isOutputWatched) {
      isOutputWatched = true
      // The write callback reports the same error; without a listener it would end the process.
      process.stdout.on('error', () => undefined)
    }
    return new Promise((resolve, reject) => {
      process.stdout.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
        if (error === null || error === undefined) resolve('written')
        else if (hasNoReader(error)) resolve('closed')
        else reject(error)
      })
    })
  },
  requestStop: () => process.emit('SIGTERM', 'SIGTERM'),
}

/** Whether an error says that the reader has closed the pipe, which every later write reports too. */
function hasNoReader({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
}
