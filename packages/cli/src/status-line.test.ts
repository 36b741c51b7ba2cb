import { ManualClock } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import type { Output, Outputs } from './outputs.ts'
import { StatusLine } from './status-line.ts'

/** A fake terminal: what its screen shows after all writes to either output. */
class Screen implements Outputs {
  readonly stdout: Output = { write: (text) => this.#receive(text), isTTY: true }
  readonly stderr: Output = { write: (text) => this.#receive(text), isTTY: true, columns: 20 }
  readonly lines: string[] = ['']

  #receive(text: string): void {
    for (const [index, row] of text.split('\n').entries()) {
      if (index > 0) this.lines.push('')
      const cleared = row.split('\r\u001b[2K')
      const before = cleared.length > 1 ? '' : this.lines.at(-1)!
      this.lines[this.lines.length - 1] = before + cleared.at(-1)!
    }
  }
}

describe('the status line', () => {
  test('is redrawn in place', async () => {
    const screen = new Screen()
    const clock = new ManualClock()
    let n = 0
    using line = new StatusLine(screen, clock, () => `tick ${n}`)
    expect(line).toBeDefined()
    expect(screen.lines).toEqual(['tick 0'])
    n = 1
    await clock.advance(250)
    expect(screen.lines).toEqual(['tick 1'])
  })

  test('stays below the text written to either output', () => {
    const screen = new Screen()
    using line = new StatusLine(screen, new ManualClock(), () => 'status')
    screen.stdout.write('result 1\n')
    screen.stderr.write('warning\n')
    expect(screen.lines).toEqual(['result 1', 'warning', 'status'])
    expect(line).toBeDefined()
  })

  test('waits for the end of a line that is written in parts', async () => {
    const screen = new Screen()
    const clock = new ManualClock()
    using line = new StatusLine(screen, clock, () => 'status')
    screen.stdout.write('half')
    await clock.advance(1_000)
    expect(screen.lines).toEqual(['half'])
    screen.stdout.write(' and half\n')
    expect(screen.lines).toEqual(['half and half', 'status'])
    expect(line).toBeDefined()
  })

  test('is cut to the width of the terminal, so it never wraps', () => {
    const screen = new Screen()
    using line = new StatusLine(screen, new ManualClock(), () => 'a status that is too long')
    expect(screen.lines).toEqual(['a status that is to'])
    expect(line).toBeDefined()
  })

  test('is cleared at the end', async () => {
    const screen = new Screen()
    const clock = new ManualClock()
    const { write } = screen.stdout
    const line = new StatusLine(screen, clock, () => 'status')
    line[Symbol.dispose]()
    await clock.advance(1_000)
    expect(screen.lines).toEqual([''])
    expect(screen.stdout.write).toBe(write)
  })
})
