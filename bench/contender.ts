/**
 * A contender in its own process, as the Go program is: earlier work in a process changes how its compiler
 * optimizes a shape.
 *
 * `contender.ts FILE SHAPE OPERATIONS` runs one of the `shapes` that a file exports, a few times to warm up
 * and once more, and prints the cost of an operation in nanoseconds.
 */
import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { cost, type Contender, type Shape } from './compare.ts'

const file = import.meta.filename
/** After this many runs the costs of all shapes are stable. */
const warmUps = 6

/** Runs only the shape called `name` of the file `from` in a new process. */
export function alone(from: string, name: string): Contender {
  return (operations) => {
    const args = ['--import', 'tsx', file, from, name, String(operations)]
    return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  }
}

async function main([from, name, operations]: readonly string[]): Promise<void> {
  const { shapes } = (await import(from!)) as { readonly shapes: Readonly<Record<string, Shape>> }
  const shape = shapes[name!]!
  for (let n = 0; n < warmUps; n++) await shape(Number(operations))
  process.stdout.write(String(await cost(shape, Number(operations))))
}

if (process.argv[1] === file) await main(process.argv.slice(2))
