import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { digestLines, type LinesDigest } from './lines.ts'
import type { Program } from './programs.ts'
import { argumentsText, type Turn, type TurnArguments } from './turns.ts'

/** What a process cost that did a job several times. */
export interface ProcessCost {
  readonly turns: readonly Turn[]
  /** CPU time of the whole process and its children, its start included. */
  readonly cpuMs: number
  readonly wallMs: number
  /** What the last turn wrote. */
  readonly output: LinesDigest
}

// The shell's `time` counts the program and all its children; the program's own output stays apart from it.
const script = 'TIMEFORMAT="%U %S %R"; times=$1; shift; { time "$@" 2>&3; } 3>&2 2>"$times"'

/** Starts a program, waits for its end, and reads what it wrote. Rejects with the end of what it printed if it fails. */
export async function runProgram(program: Program, given: Omit<TurnArguments, 'out'>): Promise<ProcessCost> {
  const out = await mkdtemp(path.join(os.tmpdir(), 'millrace-bench-rival-'))
  try {
    const times = path.join(out, 'times')
    const args = [...program.command, ...argumentsText({ ...given, out })]
    const child = spawn('bash', ['-c', script, 'bash', times, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    const [printed, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    if (code !== 0)
      throw new Error(`${program.title}, ${given.job}, ended with ${code}: ${errors.slice(-2000)}`)
    const turns = printed
      .split('\n')
      .filter((line) => line.startsWith('{"cpuMs"'))
      .map((line) => JSON.parse(line) as Turn)
    const [user, system, real] = (await readFile(times, 'utf8')).trim().split(' ').map(Number)
    return {
      turns,
      cpuMs: (user! + system!) * 1e3,
      wallMs: real! * 1e3,
      output: await digestLines(path.join(out, `turn-${given.turns - 1}`, 'lines')),
    }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
