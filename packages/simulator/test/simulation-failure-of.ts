import { expect } from 'vitest'
import { SimulationFailure } from '../src/simulate/simulation-failure.ts'

/** Returns the failure of a simulation. */
export async function failureOf(run: Promise<unknown>): Promise<SimulationFailure> {
  const thrown = await run.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(SimulationFailure)
  return thrown as SimulationFailure
}
