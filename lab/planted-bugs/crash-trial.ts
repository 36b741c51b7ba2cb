/** The main module of a program with a planted bug: runs one trial and prints the result on the last line. */
import { argv, stdout } from 'node:process'
import { BrokenPromise } from '../crash-points/broken-promise.ts'
import { trials } from '../crash-points/trials.ts'

const [, , name, near] = argv
const broken = await trials[name as keyof typeof trials](new RegExp(near!)).then(
  () => undefined,
  (error: unknown) => {
    if (error instanceof BrokenPromise) return error.message.split('\n')[0]
    throw error
  },
)
stdout.write(`${JSON.stringify({ broken: broken ?? null })}\n`)
