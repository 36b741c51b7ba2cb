import { createHook } from 'node:async_hooks'

/** Descriptions of asynchronous work, by Node's names. */
const words: Readonly<Record<string, string>> = {
  PROMISE: 'a promise that is not awaited',
  Timeout: 'a timer',
  Immediate: 'an immediate',
  Microtask: 'a microtask',
}

/** Detects asynchronous work that synchronous code starts and does not wait for. */
export class UnawaitedWork {
  #begun: string | undefined
  readonly #hook = createHook({
    init: (_id, type) => {
      if (Object.hasOwn(words, type)) this.#begun ??= words[type]
    },
  })

  /** Runs `code`, and passes a description of unawaited work to `found`. */
  during<T>(code: () => T, found: (what: string) => void): T {
    this.#begun = undefined
    this.#hook.enable()
    try {
      return code()
    } finally {
      this.#hook.disable()
      if (this.#begun !== undefined) found(this.#begun)
    }
  }
}
