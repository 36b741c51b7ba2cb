/** The one file that touches the process: its standard input, its standard output and its signals. */
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
    // Listening to `data` starts the flow; it begins when somebody reads.
    process.stdin.pause()
    process.stdin.on('data', (chunk: Uint8Array) => listener.data(chunk))
    process.stdin.once('end', () => listener.end())
    process.stdin.once('error', (error) => listener.failed(error))
    process.stdin.pause()
  },
  pause: () => void process.stdin.pause(),
  resume: () => void process.stdin.resume(),
}

/** Bytes of one input shared out by chance would be of no use to anybody. */
function requireFreeInput(): void {
  if (isInputTaken) {
    throw new MillraceError(
      'OPTION_INVALID',
      'standard input is read by two sources; read it once and use the stream twice',
    )
  }
  if (!isMainThread) {
    throw new MillraceError(
      'OPTION_INVALID',
      'standard input belongs to the main thread, and this is a worker; run the job with parallelism 1',
    )
  }
}

let isOutputWatched = false

/** Standard output of this process. */
export const standardOutput: TextOutput = {
  write(text) {
    if (!isOutputWatched) {
      isOutputWatched = true
      // Writing reports the same error; unwatched, it would end the process.
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

/** A pipe whose reader has gone, and every write after that was noticed. */
function hasNoReader({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
}
