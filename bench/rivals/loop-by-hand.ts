/** The jobs as loops in Node that a programmer writes by hand. They guarantee nothing after a crash. */
import path from 'node:path'
import { byHand } from '../ndjson-by-hand.ts'
import { takeTurns } from './turns.ts'

await takeTurns(({ job, inputs: [input], lines }) => byHand(job, input!, path.join(lines, 'part')))
