import { durabilityBugs } from './durability-bugs.ts'
import { flowBugs } from './flow-bugs.ts'
import type { SimulatorBug } from './hunt.ts'
import { userBugs } from './user-bugs.ts'

/** Every mistake that the simulator is tried on. */
export const simulatorBugs: readonly SimulatorBug[] = [...flowBugs, ...durabilityBugs, ...userBugs]
