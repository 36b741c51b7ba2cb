import { additionBugs } from './addition-bugs.ts'
import { channelBugs } from './channel-bugs.ts'
import { clusterBugs } from './cluster-bugs.ts'
import { diskBugs } from './disk-bugs.ts'
import { durabilityBugs } from './durability-bugs.ts'
import { flowBugs } from './flow-bugs.ts'
import { kindBugs } from './kind-bugs.ts'
import { laterBugs } from './later-bugs.ts'
import { meetingBugs } from './meeting-bugs.ts'
import { oracleBugs } from './oracle-bugs.ts'
import { pacingBugs } from './pacing-bugs.ts'
import { patternBugs } from './pattern-bugs.ts'
import type { PlantedBug, SimulatorBug } from './planted-bug.ts'
import { sliceBugs } from './slice-bugs.ts'
import { taskBugs } from './task-bugs.ts'
import { callBugs } from './call-bugs.ts'
import { outageBugs } from './outage-bugs.ts'
import { stateBugs } from './state-bugs.ts'
import { testedBugs } from './tested-bugs.ts'
import { windowBugs } from './window-bugs.ts'
import { userBugs } from './user-bugs.ts'

const simulatorBugs: readonly SimulatorBug[] = [...flowBugs, ...durabilityBugs, ...userBugs, ...sliceBugs]

/** Bugs that show only after a crash or a rescale; drawn topologies must find them too. */
const crashBugs = [
  'timers are not restored',
  'windows are not restored',
  'calls in flight are not repeated',
  'barriers are not aligned',
].map((wanted) => simulatorBugs.find(({ name }) => name === wanted)!)

const bySeed = /the oracle expects|^seed \d+: ./

/** Every planted bug. */
export const plantedBugs: readonly PlantedBug[] = [
  ...simulatorBugs.map(({ seed, ...bug }): PlantedBug => ({ ...bug, caughtBy: { kind: 'simulator', seed } })),
  ...oracleBugs.map((bug): PlantedBug => ({
    ...bug,
    shows: bySeed,
    caughtBy: { kind: 'topologies', seed: 0 },
  })),
  ...crashBugs.map(({ plant, name }): PlantedBug => ({
    plant,
    name: `${name}, in drawn topologies`,
    shows: bySeed,
    caughtBy: { kind: 'topologies', seed: 0 },
  })),
  ...[...additionBugs, ...laterBugs].map(({ seed, feature, ...bug }): PlantedBug => ({
    ...bug,
    shows: bySeed,
    caughtBy: { kind: 'topologies', seed, feature },
  })),
  ...clusterBugs.map(({ seed, ...bug }): PlantedBug => ({
    ...bug,
    shows: /^caught at seed \d+ after \d+ seeds: ./,
    caughtBy: { kind: 'clusters', seed },
  })),
  ...diskBugs.map(({ trial, near, ...bug }): PlantedBug => ({
    ...bug,
    caughtBy: { kind: 'crash points', trial, near },
  })),
  ...channelBugs.map((bug): PlantedBug => ({ ...bug, caughtBy: { kind: 'schedules' } })),
  ...[
    ...testedBugs,
    ...callBugs,
    ...outageBugs,
    ...stateBugs,
    ...taskBugs,
    ...kindBugs,
    ...meetingBugs,
    ...windowBugs,
    ...pacingBugs,
    ...patternBugs,
  ].map(({ files, ...bug }): PlantedBug => ({
    ...bug,
    caughtBy: { kind: 'tests', files },
  })),
]
