import type { Clock } from '@millrace/world'
import { reportOf, reportText } from './error-report.ts'
import type { Output } from './outputs.ts'
import { printable } from './printable.ts'

/** How much a line matters. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

/** What a line says, for programs. */
export type LineFields = Readonly<Record<string, unknown>>

const levels: readonly LogLevel[] = ['debug', 'info', 'warning', 'error']

/**
 * Writes one line for each event of a job: text with the time of day, or with `--json` one JSON object.
 */
export class LogLines {
  readonly #output: Output
  readonly #clock: Clock
  readonly #isJson: boolean
  #least = 0
  /** Called with every line, also with those below the level. */
  listener: (level: LogLevel, text: string, fields: LineFields) => void = () => {}

  constructor(output: Output, clock: Clock, isJson: boolean) {
    this.#output = output
    this.#clock = clock
    this.#isJson = isJson
  }

  /** Lines below `level` are not written any more. */
  setLevel(level: LogLevel): void {
    this.#least = levels.indexOf(level)
  }

  /** `text` is for people; `event` and `fields` are the same information for programs. */
  write(level: LogLevel, event: string, text: string, fields: LineFields = {}): void {
    this.listener(level, text, fields)
    if (levels.indexOf(level) < this.#least) return
    const time = this.#clock.now()
    if (this.#isJson) {
      const line = { time, level, event, message: text, ...fields }
      this.#output.write(`${JSON.stringify(line).replace(/[\u007f-\u009f\u2028\u2029]/g, unicodeEscape)}\n`)
      return
    }
    const mark = level === 'info' ? '' : `${level}: `
    this.#output.write(`${timeOfDay.format(time)}  ${mark}${printable(text)}\n`)
  }

  /** Prints the error that a command ends with: `CODE: message`, and the position in the user's program. */
  error(error: unknown): void {
    const report = reportOf(error)
    if (this.#isJson) {
      const { message, ...fields } = report
      // Fields that are undefined are left out of JSON.
      this.write('error', 'error', message, fields)
      return
    }
    this.#output.write(`${printable(reportText(report))}\n`)
  }
}

const timeOfDay = new Intl.DateTimeFormat('sv-SE', { timeStyle: 'medium' })

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
