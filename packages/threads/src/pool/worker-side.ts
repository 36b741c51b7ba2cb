import { parentThread } from '../node-threads.ts'
import { carry, unpack } from './carried-error.ts'
import type { FromWorker, ToWorker } from './pool-message.ts'

/** The URL of this module, which each worker of a pool loads first. */
export const workerSide: string = import.meta.url

/**
 * Runs in a worker: loads the user's module, then runs the calls of the pool, one at a time.
 *
 * An error while loading stays uncaught: it ends the worker, which the pool detects.
 */
export async function serve(module: string): Promise<void> {
  const parent = parentThread()
  const post = (message: FromWorker): void => parent.post(message)
  const functions = (await import(module)) as object
  const running = new Map<number, AbortController>()

  async function run(call: number, name: string, argument: unknown): Promise<void> {
    const controller = new AbortController()
    running.set(call, controller)
    try {
      const value: unknown = await functionOf(functions, name, module)(argument, controller.signal)
      post({ kind: 'returned', call, value })
    } catch (error) {
      post({ kind: 'threw', call, error: carry(isUncloneable(error) ? resultError(name, error) : error) })
    } finally {
      running.delete(call)
    }
  }

  parent.listen((message) => {
    const order = message as ToWorker // Only the pool posts to its workers.
    if (order.kind === 'run') void run(order.call, order.name, order.argument)
    else running.get(order.call)?.abort(unpack(order.reason))
  })
  post({ kind: 'ready' })
}

type PoolFunction = (argument: unknown, signal: AbortSignal) => unknown

function functionOf(functions: object, name: string, module: string): PoolFunction {
  const found: unknown = Object.hasOwn(functions, name)
    ? (functions as Record<string, unknown>)[name]
    : undefined
  if (typeof found === 'function') return found as PoolFunction
  const names = Object.entries(functions).flatMap(([each, value]) =>
    typeof value === 'function' ? [each] : [],
  )
  throw new TypeError(`${module} exports no function '${name}', only: ${names.join(', ') || 'none'}`)
}

/**
 * Whether an error says that a message cannot be cloned. The user's function may throw such an error, too.
 */
function isUncloneable(error: unknown): boolean {
  return error instanceof Error && error.name === 'DataCloneError'
}

function resultError(name: string, cause: unknown): TypeError {
  return new TypeError(
    `the result of '${name}' cannot be sent to the calling thread: ${(cause as Error).message}; return data without functions`,
    { cause },
  )
}
