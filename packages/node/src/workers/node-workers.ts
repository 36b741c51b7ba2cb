import { describeError } from '@millrace/core'
import type { ByteLink, WorkerHost, WorkerPort, WorkerThread } from '@millrace/core/job'
import {
  parentThread,
  sharedLink,
  SharedLink,
  startWorker,
  type LinkHandle,
  type WorkerLimits,
} from '@millrace/threads'

/** What the threads of a job run. */
export interface NodeWorkersOptions {
  /** The URL of a module that exports `serve`. It is called in each thread, and calls `thisWorker` and `serveWorker`. */
  readonly server: string
  /** Passed to each thread: plain data. */
  readonly data: unknown
  /** How much memory the values of one thread may take, in megabytes. Default: what Node chooses. */
  readonly memoryMb?: number
}

/** The first message to a thread. */
interface Equipment {
  readonly data: unknown
  /** By the number of the other worker. */
  readonly links: readonly (LinkHandle | undefined)[]
}

/**
 * Starts the workers of a job as threads of this process, with shared memory between all of them.
 *
 * @example
 * startJob({ ...options, parallelism: 4, workers: nodeWorkers({ server: import.meta.resolve('./worker.js'), data: {} }) })
 */
export function nodeWorkers(options: NodeWorkersOptions): WorkerHost {
  return { start: (count) => Promise.resolve(startThreads(count, options)) }
}

function startThreads(count: number, options: NodeWorkersOptions): readonly WorkerThread[] {
  const links = Array.from({ length: count + 1 }, () =>
    Array.from({ length: count + 1 }, (): LinkHandle | undefined => undefined),
  )
  for (let from = 0; from <= count; from++) {
    for (let to = 0; to < from; to++) [links[from]![to], links[to]![from]] = sharedLink()
  }
  return Array.from({ length: count }, (_, index) =>
    startThread(options, { data: options.data, links: links[index + 1]! }, links[0]![index + 1]!),
  )
}

/** Keeps messages until they are listened to. */
class Mailbox {
  readonly #arrived: unknown[] = []
  #receive: ((message: unknown) => void) | undefined

  deliver(message: unknown): void {
    if (this.#receive === undefined) this.#arrived.push(message)
    else this.#receive(message)
  }

  /** Passes on every message, those that came before in a microtask. */
  listen(receive: (message: unknown) => void): void {
    queueMicrotask(() => {
      this.#receive = receive
      for (const message of this.#arrived.splice(0)) receive(message)
    })
  }
}

/**
 * The limits of V8 for a thread that may need so much memory. What survives in the young generation moves to the old one in a
 * single step: if that step is larger than V8's reserve beyond the limit, the whole process ends and not only the thread.
 */
function limitsOf(memoryMb: number): WorkerLimits {
  return {
    maxOldGenerationSizeMb: memoryMb,
    maxYoungGenerationSizeMb: Math.min(64, Math.ceil(memoryMb / 16)),
  }
}

function startThread(options: NodeWorkersOptions, equipment: Equipment, link: LinkHandle): WorkerThread {
  const { server, memoryMb } = options
  const mailbox = new Mailbox()
  let tellEnd: (reason: Error) => void = () => {}
  let end: Error | undefined
  const limits = memoryMb === undefined ? undefined : limitsOf(memoryMb)
  const thread = startWorker(
    { server, module: server, limits, execArgv: undefined },
    {
      onMessage: (message) => mailbox.deliver(message),
      onExit: (exitCode, error) => {
        end = reasonOf(exitCode, error, memoryMb)
        tellEnd(end)
      },
    },
  )
  thread.post(equipment)
  return {
    port: { post: (message) => thread.post(message), listen: (receive) => mailbox.listen(receive) },
    link: new SharedLink(link),
    onEnd: (ended) => {
      tellEnd = ended
      if (end !== undefined) ended(end)
    },
    kill: () => thread.kill(),
  }
}

function reasonOf(exitCode: number, error: unknown, memoryMb: number | undefined): Error {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const limit = memoryMb === undefined ? 'the limit of Node' : `${memoryMb} MB`
    return new Error(`it needs more memory than ${limit}`, { cause: error })
  }
  if (error instanceof Error) return error
  return new Error(error === undefined ? `it exited with code ${exitCode}` : describeError(error))
}

/** This thread, as a worker of a job. */
export interface ThisWorker {
  readonly data: unknown
  readonly port: WorkerPort
  readonly linkTo: (worker: number) => ByteLink
}

/** Waits for what the coordinator gives this thread. Called once, by `serve`. */
export function thisWorker(): Promise<ThisWorker> {
  const parent = parentThread()
  const mailbox = new Mailbox()
  const port: WorkerPort = {
    post: (message) => parent.post(message),
    listen: (receive) => mailbox.listen(receive),
  }
  return new Promise((resolve) => {
    let isEquipped = false
    parent.listen((message) => {
      if (isEquipped) return mailbox.deliver(message)
      isEquipped = true
      const { data, links } = message as Equipment
      resolve({ data, port, linkTo: (worker) => new SharedLink(links[worker]!) })
    })
  })
}
