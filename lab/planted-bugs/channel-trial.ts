/**
 * The main module of a program with a planted bug: tests the laws, and prints the first broken one on the
 * last line.
 */
import { stdout } from 'node:process'
import { simulateTasks } from '@millrace/simulator'
import { choiceLaw, everyGraph, everyMix, orderLaws } from '../../packages/channels/test/laws.ts'
import type { Law } from '../../packages/channels/test/laws.ts'

async function brokenBy(law: Law, seeds: number): Promise<string | undefined> {
  const run = simulateTasks(
    async (world) => {
      const problems = await law(world)
      if (problems.length > 0) throw new Error(problems.join('; '))
    },
    { seeds, stepsMax: 20_000 },
  )
  return run.then(
    () => undefined,
    (error: unknown) => String(error).split('\n')[0],
  )
}

let broken = await brokenBy(choiceLaw, 1)
for (const law of [...Object.values(orderLaws), everyMix, everyGraph]) broken ??= await brokenBy(law, 200)
stdout.write(`${JSON.stringify({ broken: broken ?? null })}\n`)
