import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const here = import.meta.dirname
const programs = readdirSync(here).filter((file) => /^\d-.*\.ts$/.test(file))

/** Starts a program in its own process, with the built packages. */
function commandOf(program: string): readonly [command: string, args: readonly string[]] {
  return [process.execPath, ['--import', 'tsx', path.join(here, program)]]
}

function expected(program: string): string {
  return readFileSync(path.join(here, program.replace(/\.ts$/, '.expect.txt')), 'utf8')
}

const untilStopped = '6-dead-letters.ts'

describe('example programs', () => {
  test.each(programs.filter((program) => program !== untilStopped))(
    '%s prints the expected output',
    async (program) => {
      const { stdout, stderr } = await promisify(execFile)(...commandOf(program))
      expect(stdout).toBe(expected(program))
      expect(stderr).toBe('')
    },
  )

  test.each(programs)('%s is a small program', (program) => {
    const lines = readFileSync(path.join(here, program), 'utf8').trimEnd().split('\n').length
    expect(lines).toBeLessThanOrEqual(80)
  })

  test(`${untilStopped} finishes running jobs when it is interrupted, and exits with 0`, async () => {
    const child = spawn(...commandOf(untilStopped))
    let out = ''
    let isTold = false
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString()
      if (isTold || !out.includes('job 10: dead')) return
      isTold = child.kill('SIGINT')
    })
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    expect([code, signal]).toEqual([0, null])
    expect(out.startsWith(expected(untilStopped))).toBe(true)
    const [before, after] = out.split('stopping: no new jobs\n')
    const [, accepted, done, dead] = /^accepted (\d+) = done (\d+) \+ dead (\d+)\n$/m.exec(after!)!
    expect(Number(accepted)).toBe(Number(done) + Number(dead))
    expect(Number(dead)).toBe(out.match(/: dead after 3/g)!.length)
    expect(before).toContain('job 10')
  })
})
