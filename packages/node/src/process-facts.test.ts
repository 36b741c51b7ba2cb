import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { execPath, pid } from 'node:process'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from './node-platform.ts'
import { nodeProcessFacts as facts, startInStat } from './process-facts.ts'

const hasProc = existsSync('/proc/self/stat')

describe('facts about the process', () => {
  test('this process runs, and identifies itself the same way each time', async () => {
    expect(facts.self.pid).toBe(pid)
    expect(facts.self.host).not.toBe('')
    expect(facts.self).toEqual(facts.self)
    expect(await facts.fateOf(facts.self)).toBe('running')
  })

  test('a process with our id and another start time is gone', async () => {
    expect(await facts.fateOf({ ...facts.self, startedAt: 'some other time' })).toBe('gone')
  })

  test('a process that has ended is gone', async () => {
    const child = spawn(execPath, ['-e', ''])
    await once(child, 'exit')
    expect(await facts.fateOf({ ...facts.self, pid: child.pid! })).toBe('gone')
  })

  test.runIf(hasProc)('another process is identified by its start time', async () => {
    const source =
      "const s=require('fs').readFileSync; process.stdout.write(s('/proc/self/stat')); setInterval(()=>{},1e6)"
    const child = spawn(execPath, ['-e', source])
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const other = { ...facts.self, pid: child.pid!, startedAt: startInStat(line.toString())! }
    expect(await facts.fateOf(other)).toBe('running')
    expect(await facts.fateOf({ ...other, startedAt: facts.self.startedAt })).toBe('gone')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await facts.fateOf(other)).toBe('gone')
  })

  test.runIf(hasProc)('a process in another namespace or from another boot is unknown', async () => {
    const other = { ...facts.self, pid: 1_000_000_000, startedAt: '1' }
    expect(await facts.fateOf(other)).toBe('gone')
    expect(await facts.fateOf({ ...other, host: 'renamed' })).toBe('gone')
    expect(await facts.fateOf({ ...other, pidNamespace: 'pid:[1]' })).toBe('unknown')
    expect(await facts.fateOf({ ...other, pidNamespace: undefined })).toBe('unknown')
    expect(await facts.fateOf({ ...other, boot: 'an earlier one' })).toBe('unknown')
    expect(await facts.fateOf({ ...other, boot: undefined, pidNamespace: undefined })).toBe('unknown')
  })
})

describe('a line of /proc/ID/stat', () => {
  const rest = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20'

  test('has the start time, whatever the name of the command', () => {
    expect(startInStat(`12 (node) S ${rest}`)).toBe('777')
    expect(startInStat(`12 (a) b (c)) R ${rest}`)).toBe('777')
  })

  test('of a process that is dead and not reaped has none', () => {
    expect(startInStat(`12 (node) Z ${rest}`)).toBeUndefined()
  })
})

test('the platform is the real world', () => {
  const platform = nodePlatform()
  expect(Math.abs(platform.clock.now() - nodePlatform().clock.now())).toBeLessThan(1_000)
  expect(platform.process.self.pid).toBe(pid)
})
