import type { Clock } from '@millrace/world'
import type { Output, Outputs } from './outputs.ts'

const clearLine = '\r\u001b[2K'

/**
 * A line at the bottom of the terminal that is redrawn in place.
 *
 * All other output, by the job or by user code, appears above it: both outputs clear the line before a write
 * and redraw it after the end of a line. While a job writes a partial line, the status line is hidden.
 */
export class StatusLine implements Disposable {
  readonly #outputs: Outputs
  readonly #clock: Clock
  readonly #text: () => string
  readonly #everyMs: number
  readonly #restore: (() => void)[] = []
  /** The original write function, without the status line. */
  readonly #draw: (text: string) => void
  #isDrawn = false
  #isMidLine = false
  #timer: Disposable | undefined

  constructor(outputs: Outputs, clock: Clock, text: () => string, everyMs = 250) {
    this.#outputs = outputs
    this.#clock = clock
    this.#text = text
    this.#everyMs = everyMs
    const { stderr } = outputs
    this.#draw = stderr.write.bind(stderr)
    for (const output of [outputs.stdout, stderr]) if (output.isTTY === true) this.#intercept(output)
    this.#tick()
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#clear()
    for (const restore of this.#restore) restore()
  }

  #intercept(output: Output): void {
    const { write } = output
    output.write = (...args: [string | Uint8Array, ...never[]]): unknown => {
      this.#clear()
      const result: unknown = Reflect.apply(write, output, args)
      this.#isMidLine = !endsLine(args[0])
      this.#show()
      return result
    }
    this.#restore.push(() => {
      output.write = write
    })
  }

  #tick(): void {
    this.#clear()
    this.#show()
    this.#timer = this.#clock.schedule(this.#everyMs, () => this.#tick())
  }

  #show(): void {
    if (this.#isMidLine) return
    const columns = this.#outputs.stderr.columns ?? 80
    this.#draw(this.#text().slice(0, Math.max(0, columns - 1)))
    this.#isDrawn = true
  }

  #clear(): void {
    if (this.#isDrawn) this.#draw(clearLine)
    this.#isDrawn = false
  }
}

function endsLine(chunk: string | Uint8Array): boolean {
  return chunk.length === 0 || (typeof chunk === 'string' ? chunk.endsWith('\n') : chunk.at(-1) === 0x0a)
}
