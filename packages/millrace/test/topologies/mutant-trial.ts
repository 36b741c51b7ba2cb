/**
 * What a program with a planted bug is built around: runs drawn topologies with so many seeds from one on, and says on
 * the last line what was found first.
 */
import { argv, stdout } from 'node:process'
import { drawTopology } from './drawing.ts'
import { seedsPerTopology, tryTopology } from './trial.ts'

const [, , first, seeds] = argv.map(Number) as [number, number, number, number]

let broken: string | null = null
for (let seed = first; seed < first + seeds && broken === null; seed += seedsPerTopology) {
  const { failures } = await tryTopology(drawTopology(seed / seedsPerTopology), seed, seedsPerTopology)
  // The first line is the topology.
  broken = failures[0]?.split('\n')[1] ?? null
}
stdout.write(`${JSON.stringify({ broken })}\n`)
