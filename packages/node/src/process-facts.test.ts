import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { execPath, pid } from 'node:process'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from './node-platform.ts'
import { nodeProcessFacts as facts, startInStat } from './process-facts.ts'

const hasProc = existsSync('/proc/self/stat')

describe('the facts of a process', () => {
  test('this process runs, and says the same of its start each time', async () => {
    expect(facts.id).toBe(pid)
    expect(facts.host).not.toBe('')
    expect(facts.startedAt).toBe(facts.startedAt)
    expect(await facts.isRunning(facts.id, facts.startedAt)).toBe(true)
  })

  test('a process with our id and another start is gone', async () => {
    expect(await facts.isRunning(facts.id, 'some other time')).toBe(false)
  })

  test('a process that has ended does not run', async () => {
    const child = spawn(execPath, ['-e', ''])
    await once(child, 'exit')
    expect(await facts.isRunning(child.pid!, facts.startedAt)).toBe(false)
  })

  test.runIf(hasProc)('another process is known by its start', async () => {
    const source =
      "const s=require('fs').readFileSync; process.stdout.write(s('/proc/self/stat')); setInterval(()=>{},1e6)"
    const child = spawn(execPath, ['-e', source])
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const boot = facts.startedAt.split(':')[0]
    const startedAt = `${boot}:${startInStat(line.toString())}`
    expect(await facts.isRunning(child.pid!, startedAt)).toBe(true)
    expect(await facts.isRunning(child.pid!, facts.startedAt)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await facts.isRunning(child.pid!, startedAt)).toBe(false)
  })
})

describe('a line of /proc', () => {
  const rest = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20'

  test('names the start, whatever the command is called', () => {
    expect(startInStat(`12 (node) S ${rest}`)).toBe('777')
    expect(startInStat(`12 (a) b (c)) R ${rest}`)).toBe('777')
  })

  test('of a process that is dead and not reaped names none', () => {
    expect(startInStat(`12 (node) Z ${rest}`)).toBeUndefined()
  })
})

test('the platform is the real world', () => {
  const platform = nodePlatform()
  expect(Math.abs(platform.clock.now() - nodePlatform().clock.now())).toBeLessThan(1_000)
  expect(platform.process.id).toBe(pid)
})
