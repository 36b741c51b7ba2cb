/** Looks for every planted bug from seed 0 on and prints which seed has found it; a word chooses among them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { simulatorBugs } from './bugs.ts'
import { hunt, seedOf, type SimulatorBug } from './hunt.ts'

const chosen = simulatorBugs.filter(({ name }) => name.includes(process.argv[2] ?? ''))
const left = chosen.values()
const needed: number[] = []

async function report({ name, plant, shows }: SimulatorBug): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-simulator-bugs-'))
  const said = await hunt(plant, directory).catch((error: unknown) => String(error))
  await rm(directory, { recursive: true })
  const isCaught = said !== undefined && shows.test(said)
  if (isCaught) needed.push(seedOf(said) + 1)
  const seeds = isCaught ? `${seedOf(said) + 1} seeds` : 'NOT CAUGHT'
  process.stdout.write(`${name}: ${seeds}\n    ${said?.slice(0, 200) ?? 'nothing was found'}\n`)
}

async function worker(): Promise<void> {
  for (const bug of left) await report(bug)
}

await Promise.all([worker(), worker()])
const median = needed.toSorted((a, b) => a - b)[Math.floor(needed.length / 2)] ?? 0
process.stdout.write(`caught ${needed.length}/${chosen.length}, median ${median} seeds\n`)
if (needed.length < chosen.length) process.exitCode = 1
