/** Kills a program ten times while it works, and restarts its server at one third and at one half of the expected output. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { builtProgram } from './built-program.ts'

/** How many records a trial has. Each gives one result. */
export const recordsOfTrial = 20_000
/** How often the program is killed. */
export const killsOfTrial = 10

const restartsAt = [recordsOfTrial / 3, recordsOfTrial / 2]
const timeout = 300_000

/** What is killed, and how a test feeds and follows it. */
export interface KillTrial {
  /** The file of the program: `new URL('program.ts', import.meta.url)`. */
  readonly program: URL
  /** Its first arguments. After them come the data directory and, in its last run, `bounded`: it reads what is there and ends. */
  readonly args: readonly string[]
  /** Gives the program the records from `from` up to `end`. */
  feed(from: number, end: number): Promise<unknown>
  /** How much output is there, repeated or not committed results included. */
  written(): Promise<number> | number
  /** How many different results a reader sees. Default: `written`. */
  seen?(): Promise<number> | number
  /** Kills the server and starts it again. */
  restart(): Promise<void>
  /** Waits until the server has noticed that the program is gone, before its last run. */
  noticed?(): Promise<unknown>
}

/**
 * Runs a trial. Every run of the program is killed when it has written some of a portion of the records, and most are not
 * written: it works right then.
 */
export async function killTenTimes(trial: KillTrial): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-kills-'))
  const program = await builtProgram(trial.program)
  const each = recordsOfTrial / killsOfTrial
  for (let round = 0; round < killsOfTrial; round++) {
    const before = await trial.written()
    const child = launch(program, [...trial.args, directory])
    await trial.feed(round * each, (round + 1) * each)
    await reaches(child, () => trial.written(), before + 1)
    for (const at of restartsAt.filter((share) => Math.floor(share / each) === round)) {
      await reaches(child, () => (trial.seen === undefined ? trial.written() : trial.seen()), Math.floor(at))
      await trial.restart()
    }
    // A moment that no test chooses.
    await delay(round * 3)
    child.kill('SIGKILL')
    await once(child, 'exit')
    // Until its right to the directory has ended.
    await delay(350)
  }
  await trial.noticed?.()
  const last = launch(program, [...trial.args, directory, 'bounded'])
  expect(await once(last, 'exit')).toEqual([0, null])
  await rm(directory, { recursive: true, force: true })
}

function launch(program: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Waits until a count is reached. Fails if the program ends by itself. */
async function reaches(
  child: ChildProcess,
  count: () => Promise<number> | number,
  least: number,
): Promise<void> {
  const isReached = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`the program has ended with ${child.exitCode}`)
    return (await count()) >= least
  }
  await expect.poll(isReached, { timeout, interval: 2 }).toBe(true)
}

/** A number with its key, as JSON: what trials read. */
export function numberedText(n: number): string {
  return JSON.stringify({ n, k: `k${n % 11}` })
}

/** The texts of records. */
export function numberedTexts(from: number, end: number): string[] {
  return Array.from({ length: end - from }, (_, at) => numberedText(from + at))
}

/** A result of a program that counts the numbers of each key. */
export interface CountedNumber {
  readonly key: string
  readonly value: { readonly count: number; readonly n: number }
}

/** What exactly-once results of all records are, in the order of the numbers. */
export function expectedCounts(): CountedNumber[] {
  return Array.from({ length: recordsOfTrial }, (_, n) => ({
    key: `k${n % 11}`,
    value: { count: Math.floor(n / 11) + 1, n },
  }))
}
