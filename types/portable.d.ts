/**
 * The globals that browsers, workers and Node share, as far as the portable packages need them.
 *
 * `world`, `channels`, `core` and `flow` are compiled against this file and the ECMAScript library alone, with neither
 * the DOM nor Node in sight: what is not listed here does not exist for them. Which file may touch which of
 * these is a lint rule. Programs and tests see the same globals through Node's own types.
 */

interface AbortSignal {
  readonly aborted: boolean
  readonly reason: any
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

declare var AbortSignal: {
  readonly prototype: AbortSignal
  abort(reason?: any): AbortSignal
  any(signals: AbortSignal[]): AbortSignal
}

interface AbortController {
  readonly signal: AbortSignal
  abort(reason?: any): void
}

declare var AbortController: {
  readonly prototype: AbortController
  new (): AbortController
}

interface TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, into: Uint8Array): { read: number; written: number }
}

declare var TextEncoder: {
  readonly prototype: TextEncoder
  new (): TextEncoder
}

interface TextDecoder {
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string
}

declare var TextDecoder: {
  readonly prototype: TextDecoder
  new (encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder
}

/** Node's timers have `unref`; a browser's are numbers, on which the optional call does nothing. */
interface TimerHandle {
  unref?(): void
}

declare function setTimeout(callback: () => void, delayMs?: number): TimerHandle
declare function clearTimeout(timer: TimerHandle | undefined): void
declare function setInterval(callback: () => void, delayMs?: number): TimerHandle
declare function clearInterval(timer: TimerHandle | undefined): void
declare function queueMicrotask(callback: () => void): void
declare function structuredClone<T>(value: T): T

/** Node has it, browsers do not: ask with `typeof` before calling, and fall back on a `MessageChannel`. */
declare function setImmediate(callback: () => void): unknown

interface MessagePort {
  onmessage: ((event: any) => void) | null
  postMessage(message: unknown): void
  close(): void
}

declare var MessageChannel: {
  new (): { readonly port1: MessagePort; readonly port2: MessagePort }
}

declare var performance: {
  now(): number
  readonly timeOrigin: number
}

declare var crypto: {
  getRandomValues<T extends ArrayBufferView>(into: T): T
  randomUUID(): string
}

interface ReadableStreamDefaultController<R = any> {
  enqueue(chunk: R): void
  close(): void
  error(reason?: any): void
}

interface ReadableStreamDefaultReader<R = any> {
  read(): Promise<{ done: false; value: R } | { done: true; value: R | undefined }>
  cancel(reason?: any): Promise<void>
  releaseLock(): void
}

interface ReadableStream<R = any> {
  readonly locked: boolean
  getReader(): ReadableStreamDefaultReader<R>
}

declare var ReadableStream: {
  new <R>(
    source: {
      start?(controller: ReadableStreamDefaultController<R>): void
      pull?(controller: ReadableStreamDefaultController<R>): Promise<void>
      cancel?(reason?: any): void | Promise<void>
    },
    strategy?: { highWaterMark?: number },
  ): ReadableStream<R>
}

interface WritableStreamDefaultController {
  error(reason?: any): void
}

interface WritableStreamDefaultWriter<W = any> {
  readonly ready: Promise<undefined>
  readonly closed: Promise<undefined>
  write(chunk: W): Promise<void>
  close(): Promise<void>
  abort(reason?: any): Promise<void>
  releaseLock(): void
}

interface WritableStream<W = any> {
  getWriter(): WritableStreamDefaultWriter<W>
}

declare var WritableStream: {
  new <W>(sink: {
    start?(controller: WritableStreamDefaultController): void
    write?(chunk: W): Promise<void>
    close?(): void
    abort?(reason?: any): void
  }): WritableStream<W>
}
