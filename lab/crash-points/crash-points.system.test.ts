import { env, stdout } from 'node:process'
import { describe, expect, test } from 'vitest'
import { parts, type Level } from './enumeration.ts'

const level: Level = env['MILLRACE_TEST_LEVEL'] === 'full' ? 'default' : 'short'
/** Ends a test that hangs. */
const longestMs = 1_800_000

async function requireExact(part: keyof typeof parts): Promise<void> {
  const { summary, failures } = await parts[part](level)
  stdout.write(`${summary}\n`)
  expect(failures).toEqual([])
}

describe('the output is exact and visible output is never removed', () => {
  test(
    'EN-202 EN-205 EN-206 EN-209 EN-217 EN-223 EN-226 when the job is killed or the power is lost at any operation',
    async () => {
      await requireExact('crash points')
    },
    longestMs,
  )

  test(
    'EN-235 when it restarts in another order, on a disk with short writes, or with other subtasks',
    async () => {
      await requireExact('crash points of other lives')
    },
    longestMs,
  )

  test(
    'EN-203 EN-218 when it crashes again during recovery',
    async () => {
      await requireExact('crash points of a recovery')
    },
    longestMs,
  )

  test(
    'when an operation fails',
    async () => {
      await requireExact('failing operations')
    },
    longestMs,
  )

  test(
    'when the disk is full and later has space again',
    async () => {
      await requireExact('full disks')
    },
    longestMs,
  )

  test(
    'when writes are short',
    async () => {
      await requireExact('short writes')
    },
    longestMs,
  )

  test(
    'EN-214 when files are damaged or lost, or the job refuses to start',
    async () => {
      await requireExact('damage')
    },
    longestMs,
  )

  test(
    'when it is started twice',
    async () => {
      await requireExact('second processes')
    },
    longestMs,
  )
})
