import { createHook } from 'node:async_hooks'

/** What is begun by code that should not have begun anything, by the name Node has for it, in words. */
const words: Readonly<Record<string, string>> = {
  PROMISE: 'a promise that is not awaited',
  Timeout: 'a timer',
  Immediate: 'an immediate',
  Microtask: 'a microtask',
}

/** Notices work that synchronous code starts and leaves behind. */
export class UnawaitedWork {
  #begun: string | undefined
  readonly #hook = createHook({
    init: (_id, type) => {
      if (Object.hasOwn(words, type)) this.#begun ??= words[type]
    },
  })

  /** Runs `code`; returns what it left behind, in words, through `found`. */
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
