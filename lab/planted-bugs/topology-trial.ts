/**
 * The main module of a program with a planted bug: runs drawn topologies with many seeds from one on,
 * optionally only those with a feature, and prints the first failure on the last line.
 */
import { argv, stdout } from 'node:process'
import { drawTopology } from '../topologies/drawing.ts'
import { featuresOf, type Feature } from '../topologies/feature.ts'
import { seedsPerTopology, tryTopology } from '../topologies/trial.ts'

const [first, seeds] = argv.slice(2, 4).map(Number) as [number, number]
const feature = argv[4] as Feature | undefined

let broken: string | null = null
let left = seeds
for (let seed = first; left > 0 && broken === null; seed += seedsPerTopology) {
  const topology = drawTopology(seed / seedsPerTopology)
  if (feature !== undefined && !featuresOf(topology).has(feature)) continue
  left -= seedsPerTopology
  const { failures } = await tryTopology(topology, seed, seedsPerTopology)
  // The first line is the topology.
  broken = failures[0]?.split('\n')[1] ?? null
}
stdout.write(`${JSON.stringify({ broken })}\n`)
