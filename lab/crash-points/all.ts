/** Runs all crash-point cases, or the parts whose names contain a word, and prints a summary of each part. */
import process from 'node:process'
import { parts } from './enumeration.ts'

for (const [name, part] of Object.entries(parts)) {
  if (process.argv[2] !== undefined && !name.includes(process.argv[2])) continue
  const startedMs = performance.now()
  const { summary, failures } = await part('full')
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0)
  process.stdout.write(`${summary} in ${seconds} s\n${failures.map((failure) => `\n${failure}\n`).join('')}`)
  if (failures.length > 0) process.exitCode = 1
}
