import { carryError, errorOf, type CarriedError } from '../errors/carried-error.ts'
import { MillraceError } from '../errors/errors.ts'
import type { WorkerPort } from './worker-host.ts'

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly argument: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: CarriedError }
  | { readonly kind: 'tell'; readonly method: string; readonly argument: unknown }

/** What one end does when the other calls a method or tells it something. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>

/** Calls in both directions over a port. Arguments and results are plain data; errors arrive with code and cause. */
export class Conversation {
  readonly #port: WorkerPort
  readonly #handlers: ReadonlyMap<string, (argument: never) => unknown>
  readonly #open = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void }
  >()
  /** Called with every message that arrives. */
  readonly #heard: () => void
  #last = 0
  #ended: Error | undefined

  constructor(port: WorkerPort, handlers: Handlers, heard: () => void = () => {}) {
    this.#port = port
    this.#handlers = new Map(Object.entries(handlers))
    this.#heard = heard
    port.listen((message) => this.#receive(message as Message))
  }

  /** Calls a method of the other end. */
  call(method: string, argument?: unknown): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject })
      this.#port.post({ kind: 'call', id, method, argument })
    })
  }

  /** Calls a method that has no result. */
  tell(method: string, argument?: unknown): void {
    if (this.#ended === undefined) this.#port.post({ kind: 'tell', method, argument })
  }

  /** The other end has ended: open and later calls reject. */
  end(reason: Error): void {
    this.#ended = reason
    for (const { reject } of this.#open.values()) reject(reason)
    this.#open.clear()
  }

  #receive(message: Message): void {
    this.#heard()
    switch (message.kind) {
      case 'tell':
        this.#handle(message.method)(message.argument as never)
        return
      case 'call':
        void this.#answer(message.id, message.method, message.argument)
        return
      case 'answer':
        this.#close(message.id)?.resolve(message.value)
        return
      case 'refusal':
        this.#close(message.id)?.reject(errorOf(message.error))
    }
  }

  async #answer(id: number, method: string, argument: unknown): Promise<void> {
    try {
      const value = await this.#handle(method)(argument as never)
      this.#port.post({ kind: 'answer', id, value })
    } catch (error) {
      this.#port.post({ kind: 'refusal', id, error: carryError(error) })
    }
  }

  #handle(method: string): (argument: never) => unknown {
    const handler = this.#handlers.get(method)
    if (handler === undefined) throw new MillraceError('INTERNAL', `a worker has no method ${method}`)
    return handler
  }

  #close(id: number): { resolve: (value: unknown) => void; reject: (error: unknown) => void } | undefined {
    const call = this.#open.get(id)
    this.#open.delete(id)
    return call
  }
}
