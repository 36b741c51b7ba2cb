import { describe, expect, test } from 'vitest'
import { main } from './launch.ts'

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await main(args, {
    stdout: { write: (text) => void (out += text) },
    stderr: { write: (text) => void (err += text) },
  })
  return { code, out, err }
}

describe('millrace', () => {
  test('--help lists the commands', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    expect(out).toMatch(
      /millrace run FILE\.ts .*\n.*millrace explain FILE\.ts .*\n.*millrace plan FILE\.ts .*\n.*millrace checkpoints DATA_DIR/,
    )
  })

  test('without arguments it prints the help and exits with a usage error', async () => {
    const { code, out } = await run()
    expect(code).toBe(2)
    expect(out).toBe((await run('--help')).out)
  })

  test('--version prints the version', async () => {
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each(['run', 'explain', 'checkpoints', 'dlq'])('%s --help describes its options', async (command) => {
    const { code, out } = await run(command, '--help')
    expect(code).toBe(0)
    expect(out).toContain(`millrace ${command} `)
    expect(out).toContain('--')
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
  })

  test.each([
    [['rnu'], "millrace has no command 'rnu'; did you mean 'run'?"],
    [['--verison'], "millrace has no command '--verison'; did you mean '--version'?"],
    [['dance'], "millrace has no command 'dance'; it knows run, explain, plan, checkpoints"],
    [['run'], 'millrace run: FILE.ts is missing: millrace run FILE.ts'],
    [
      ['run', 'a.ts', 'b.ts'],
      "millrace run: 'b.ts' is an unexpected argument. The command takes one FILE.ts",
    ],
    [['run', 'a.ts', '--bonded'], 'millrace run: --bonded is not an option; did you mean --bounded?'],
    [['run', 'a.ts', '-x'], "millrace run: -x is not an option; 'millrace run --help' lists the options"],
    [['run', 'a.ts', '--bounded=yes'], "millrace run: --bounded takes no value. Remove '=yes'"],
    [['run', 'a.ts', '--data-dir'], 'millrace run: --data-dir needs a value: --data-dir DIR'],
    [['run', 'a.ts', '--data-dir', '--json'], 'millrace run: --data-dir needs a value: --data-dir DIR'],
    [['run', 'a.ts', '--stop-timeout', 'soon'], '--stop-timeout is "soon", which is not a duration'],
    [['dlq', 'lsit', 'a.ts'], "millrace dlq: 'lsit' is no action; did you mean 'list'?"],
    [['explain', 'a.ts', '--format', 'pdf'], '--format is pdf. Use one of text, mermaid, json'],
  ])('%j is a usage error with advice', async (args, message) => {
    const { code, out, err } = await run(...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err.replaceAll('\\"', '"')).toContain(`${message}`)
  })

  test('with --json an error is one JSON object', async () => {
    const { code, err } = await run('run', 'no-such-file.ts', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(err)).toMatchObject({
      level: 'error',
      event: 'error',
      code: 'FS_NOT_FOUND',
      message: 'no-such-file.ts: no such file. Give the path of a pipeline file',
    })
  })

  test('checkpoints of a missing directory is an error', async () => {
    const { code, err } = await run('checkpoints', 'no-such-directory')
    expect(code).toBe(1)
    expect(err).toMatch(/^FS_NOT_FOUND: no-such-directory is not a directory/)
  })
})
