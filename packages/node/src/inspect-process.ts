import { AsyncLocalStorage } from 'node:async_hooks'
import process from 'node:process'
import { inspect } from '@millrace/channels'
import type { Inspector, WatchedTask } from '@millrace/channels'

/** The exit code of Go's runtime when all goroutines are asleep. */
const ASLEEP_EXIT_CODE = 2

/**
 * Watches the tasks of this process from now on, like `inspect`, and knows which task each wait belongs to.
 *
 * On SIGQUIT (Ctrl-\) it prints every task and what it waits for to standard error, and the program
 * continues. If nothing keeps the process alive while tasks still wait, nothing can wake them: it prints the
 * waiting tasks, and sets the exit code to 2 unless the program has set one.
 *
 * `node --import @millrace/node/inspect program.js` does the same without changing the program.
 *
 * @throws Error when an inspector or a simulator is already active.
 *
 * @example
 * using inspector = inspectProcess()
 * inspector.waits.length // => 0
 */
export function inspectProcess(): Inspector {
  const inspector = inspect({ context: new AsyncLocalStorage<WatchedTask>() })
  const print = (text: string): void => void process.stderr.write(`${text}\n`)
  const onQuit = (): void => print(inspector.dump())
  const onEnd = (): void => {
    if (inspector.waits.length === 0) return
    print(`all tasks are asleep: the process ends, and nothing can wake these\n${inspector.dump()}`)
    process.exitCode ??= ASLEEP_EXIT_CODE
  }
  process.on('SIGQUIT', onQuit)
  process.on('beforeExit', onEnd)
  const end = inspector[Symbol.dispose].bind(inspector)
  return Object.assign(inspector, {
    [Symbol.dispose]() {
      process.off('SIGQUIT', onQuit)
      process.off('beforeExit', onEnd)
      end()
    },
  })
}
