import type { Random } from '@millrace/world'

/** The kinds of things that go wrong in a simulation, and what each of them is. */
export const faultKinds = {
  kill: 'the process is killed; the disk keeps everything',
  powerLoss: 'the power is lost; what was not synced is lost or torn',
  tornWrite: 'the power is lost in the middle of an operation of the disk',
  stop: 'the job is stopped in good order and started again',
  zombie: 'the process is paused; another one replaces it; the old one wakes up again',
  rescale: 'the job is started again with another parallelism',
  shortWrites: 'the disk takes only a few bytes at a time',
  diskError: 'an operation of the disk fails',
  syncError: 'a sync fails',
  diskFull: 'the disk is full until the next start, or until it has refused enough',
  bitFlip: 'a bit of a file at rest is flipped',
  clockJump: 'the wall clock is set forwards or backwards',
  slowSink: 'the sinks take their time',
  sinkError: 'a call to a sink fails and has had no effect',
  lostReply: 'a call to a sink takes effect, but fails for the caller',
  stall: 'a source brings nothing for a while',
  sourceError: 'a source fails while it is read',
  slowCalls: 'calls of mapAsync take long and end in any order',
  callError: 'a call of mapAsync fails once',
  duplicate: 'a call to a sink is delivered twice, the second time at once or much later',
  lateSplits: 'some splits of the sources appear only after a while',
  upgrade: 'the job is started again with a later version of its program',
  resume: 'the job is started again after it has read its input to the end',
  drain: 'the job is drained, which ends its run, and started again',
  grow: 'the job has read its input to the end, and is started again when there is more',
} as const

/** What can go wrong. */
export type FaultKind = keyof typeof faultKinds

/** How many faults of each kind there may be in one run; kinds that are left out do not happen. */
export type Faults = Readonly<Record<FaultKind, number>>

/** One thing that is to go wrong. */
export interface Fault {
  readonly kind: FaultKind
  /** In which life of the process, from 0. */
  readonly life: number
  /** After how many steps of that life. */
  readonly step: number
  /** Chooses whatever else there is to choose about it. */
  readonly salt: number
}

/** What ends a life. There is at most one of these in each. */
export const endings: ReadonlySet<FaultKind> = new Set([
  'kill',
  'powerLoss',
  'tornWrite',
  'stop',
  'zombie',
  'drain',
])

/** What is settled when a life begins. There is at most one of each in each life. */
export const beginnings: ReadonlySet<FaultKind> = new Set(['rescale', 'lateSplits', 'upgrade'])

/** What users do between two lives. Drawn apart from the rest, so that a seed keeps its other faults. */
const betweenLives: ReadonlySet<FaultKind> = new Set(['upgrade', 'resume', 'drain', 'grow'])

/** What ends a run before its input ends: windows and timers fire then that would have waited for more. */
export const earlyEnds: ReadonlySet<FaultKind> = new Set(['drain', 'grow'])

/** Faults that only take time: nothing fails, and no process restarts. */
export const delays: readonly FaultKind[] = ['slowSink', 'stall', 'slowCalls']

/** How many lives end early at most, by default. */
const endingsMax = 4
const troublesMax = 4

/** What faults are drawn for. */
export interface FaultSpace {
  /** How many steps a life takes in which nothing goes wrong. */
  readonly stepsPerLife: number
  /** Kinds that cannot happen to this pipeline, or were ruled out. */
  readonly without: ReadonlySet<FaultKind>
  /** How many of each kind at most; undefined: the seed decides. */
  readonly limits: Partial<Faults> | undefined
}

/**
 * Draws what goes wrong in one run.
 *
 * Each seed has about half of the kinds only, so that they meet in different company; and a third of the endings come
 * early in a life, while it starts up and recovers.
 */
export function drawFaults(random: Random, space: FaultSpace): readonly Fault[] {
  const isWanted = (kind: FaultKind, chance: Random): boolean => {
    const isIn = chance.int(2) === 0
    if (space.without.has(kind)) return false
    return space.limits === undefined ? isIn : (space.limits[kind] ?? 0) > 0
  }
  const kinds = (Object.keys(faultKinds) as FaultKind[]).filter(
    (kind) => !betweenLives.has(kind) && isWanted(kind, random),
  )
  if ((space.limits?.drain ?? 0) > 0) kinds.push('drain')
  const ends = kinds.filter((kind) => endings.has(kind))
  const troubles = kinds.filter((kind) => !endings.has(kind) && !beginnings.has(kind))
  const left = new Map(kinds.map((kind) => [kind, space.limits?.[kind] ?? Infinity]))
  const faults: Fault[] = []
  const add = (kind: FaultKind, life: number, step: number): boolean => {
    const count = left.get(kind)!
    if (count < 1) return false
    left.set(kind, count - 1)
    faults.push({ kind, life, step, salt: random.int(2 ** 31) })
    return true
  }
  const anyStep = (): number =>
    random.int(3) === 0 ? random.int(120) : random.int(Math.ceil(space.stepsPerLife * 1.2) + 1)
  let life = 0
  const wanted = ends.length === 0 ? 0 : numberOf(space, ends, 1 + random.int(endingsMax))
  for (let n = 0; n < wanted; n++) if (add(ends[random.int(ends.length)]!, life, anyStep())) life++
  const lives = life + 1
  if (kinds.includes('rescale')) {
    for (let at = 1; at < lives; at++) if (random.int(2) === 0) add('rescale', at, 0)
  }
  if (kinds.includes('lateSplits')) {
    for (let at = 0; at < lives; at++) if (random.int(2) === 0) add('lateSplits', at, 0)
  }
  const between = random.fork('between lives')
  if (isWanted('upgrade', between)) {
    for (let at = 1; at < lives; at++)
      faults.push({ kind: 'upgrade', life: at, step: 0, salt: between.int(2 ** 31) })
  }
  // Some of those who would have stopped the job drain it.
  const drains = space.limits === undefined && isWanted('drain', between)
  for (const [at, fault] of faults.entries())
    if (drains && fault.kind === 'stop' && between.int(2) === 0) faults[at] = { ...fault, kind: 'drain' }
  const count = troubles.length === 0 ? 0 : numberOf(space, troubles, random.int(troublesMax + 1))
  for (let n = 0; n < count; n++) add(troubles[random.int(troubles.length)]!, random.int(lives), anyStep())
  return inOrder(faults)
}

/** A plan that asks for this many faults of a kind gets about as many. */
function numberOf(space: FaultSpace, kinds: readonly FaultKind[], drawn: number): number {
  if (space.limits === undefined) return drawn
  let asked = 0
  for (const kind of kinds) asked += space.limits[kind] ?? 0
  return asked
}

/** Sorted by life and step. */
function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return faults.toSorted((a, b) => a.life - b.life || a.step - b.step)
}

/** The faults without one of them. If that one ended a life, what came after it happens a life earlier. */
export function withoutFault(faults: readonly Fault[], index: number): readonly Fault[] {
  const gone = faults[index]!
  const left = faults.filter((_, at) => at !== index)
  if (!endings.has(gone.kind)) return left
  const moved = left.map((fault) => (fault.life > gone.life ? { ...fault, life: fault.life - 1 } : fault))
  return inOrder(moved)
}
