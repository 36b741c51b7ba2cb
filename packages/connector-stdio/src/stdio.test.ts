import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import type { Readable, Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { builtProgram } from '../../../lab/servers/built-program.ts'

const program = await builtProgram(new URL('../test/echo.ts', import.meta.url))

interface Running {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Everything printed so far. */
  output(): string
  /** How the process exits, and what it prints to standard error. */
  ended(): Promise<{ readonly code: unknown; readonly log: string }>
  stop(): void
}

function run(mode: 'lines' | 'json' | 'twice'): Running {
  const child = spawn(process.execPath, [program, mode], { stdio: 'pipe' })
  let output = ''
  let log = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  // A program that ends does not wait for the rest of its input.
  child.stdin.on('error', () => undefined)
  const closed = once(child, 'close')
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    output: () => output,
    ended: async () => ({ code: (await closed)[0] as unknown, log }),
    stop: () => child.kill('SIGTERM'),
  }
}

describe('a program between pipes', () => {
  test('prints every line, including a last one without a line feed, and ends with its input', async () => {
    const echo = run('lines')
    echo.stdin.end('one\r\ntwo\n\nlast')
    expect(await echo.ended()).toEqual({ code: 0, log: 'finished\n' })
    expect(echo.output()).toBe('one\ntwo\n\nlast\n')
  })

  test('passes megabytes through in order', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ i, text: 'x'.repeat(i % 100) }))
    const echo = run('json')
    echo.stdin.end(lines.join('\n'))
    expect((await echo.ended()).code).toBe(0)
    expect(echo.output()).toBe(`${lines.join('\n')}\n`)
  })

  test('prints lines at once', async () => {
    const echo = run('lines')
    echo.stdin.write('first\nhalf')
    await once(echo.stdout, 'data')
    expect(echo.output()).toBe('first\n')
    echo.stdin.end('\n')
    await echo.ended()
    expect(echo.output()).toBe('first\nhalf\n')
  })

  test('stops without an error message when its reader ends', async () => {
    const echo = run('lines')
    echo.stdin.write('first\n')
    await once(echo.stdout, 'data')
    echo.stdout.destroy()
    await once(echo.stdout, 'close')
    echo.stdin.write('second\n')
    expect(await echo.ended()).toEqual({ code: 0, log: 'stopped\n' })
  })

  test('exits while its input is still open', async () => {
    const echo = run('lines')
    echo.stdin.write('first\n')
    await once(echo.stdout, 'data')
    echo.stop()
    expect(await echo.ended()).toEqual({ code: 0, log: 'stopped\n' })
  })

  test('two sources of the same input are an error', async () => {
    const echo = run('twice')
    echo.stdin.end('a\n')
    const { code, log } = await echo.ended()
    expect(code).toBe(1)
    expect(log).toMatch(/standard input is read by two sources/)
  })
})
