/**
 * `npm run planted-bugs`: catches every planted bug, seeds from 0 on, and prints what caught it; a word
 * selects bugs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { plantedBugs } from './bugs.ts'
import { catchBug } from './catch-bug.ts'
import type { PlantedBug } from './planted-bug.ts'

const word = process.argv[2] ?? ''
const chosen = plantedBugs.filter(({ name, caughtBy }) => `${caughtBy.kind}: ${name}`.includes(word))
const left = chosen.values()
const seedsNeeded: number[] = []
let caught = 0

async function report(bug: PlantedBug): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-planted-bugs-'))
  const said = await catchBug(bug, directory, { isFromStart: true }).catch((error: unknown) => String(error))
  await rm(directory, { recursive: true })
  const isCaught = said !== undefined && bug.shows.test(said)
  const seed = isCaught ? /^seed (\d+): /.exec(said)?.[1] : undefined
  if (isCaught) caught++
  if (seed !== undefined && bug.caughtBy.kind === 'simulator') seedsNeeded.push(Number(seed) + 1)
  const outcome = isCaught ? 'caught' : 'NOT CAUGHT'
  process.stdout.write(
    `${outcome} by ${bug.caughtBy.kind}: ${bug.name}\n    ${said?.slice(0, 200) ?? 'nothing was found'}\n`,
  )
}

async function worker(): Promise<void> {
  for (const bug of left) await report(bug)
}

await Promise.all([worker(), worker()])
const median = seedsNeeded.toSorted((a, b) => a - b)[Math.floor(seedsNeeded.length / 2)] ?? 0
process.stdout.write(`caught ${caught}/${chosen.length}, median ${median} seeds of the simulator\n`)
if (caught < chosen.length) process.exitCode = 1
