import type { Random } from '@millrace/world'

/** The kinds of faults in a simulation, with a description of each. */
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

/** A kind of fault. */
export type FaultKind = keyof typeof faultKinds

/** The maximum number of faults of each kind in one run. Kinds that are left out do not occur. */
export type Faults = Readonly<Record<FaultKind, number>>

/** A planned fault. */
export interface Fault {
  readonly kind: FaultKind
  /** The life of the process in which it occurs, from 0. */
  readonly life: number
  /** The number of steps of that life after which it occurs. */
  readonly step: number
  /** The seed of its further choices. */
  readonly salt: number
}

/** Faults that end a life; at most one in each. */
export const endings: ReadonlySet<FaultKind> = new Set([
  'kill',
  'powerLoss',
  'tornWrite',
  'stop',
  'zombie',
  'drain',
])

/** Faults that are decided at the start of a life; at most one of each kind in each life. */
export const beginnings: ReadonlySet<FaultKind> = new Set(['rescale', 'lateSplits', 'upgrade'])

/** User actions between two lives. They are drawn separately, so that a seed keeps its other faults. */
const betweenLives: ReadonlySet<FaultKind> = new Set(['upgrade', 'resume', 'drain', 'grow'])

/** Events that end a run before its input ends: open windows and pending timers fire then. */
export const earlyEnds: ReadonlySet<FaultKind> = new Set(['drain', 'grow'])

/** Faults that only take time: nothing fails, and no process restarts. */
export const delays: readonly FaultKind[] = ['slowSink', 'stall', 'slowCalls']

/** The default maximum number of lives that end early. */
const endingsMax = 4
const troublesMax = 4

/** The run for which faults are drawn. */
export interface FaultSpace {
  /** The number of steps of a life without faults. */
  readonly stepsPerLife: number
  /** Kinds that cannot occur in this pipeline, or were excluded. */
  readonly without: ReadonlySet<FaultKind>
  /** The maximum of each kind. Default: the seed decides. */
  readonly limits: Partial<Faults> | undefined
}

/**
 * Draws the faults of one run.
 *
 * Each seed uses about half of the kinds, so that their combinations vary. A third of the faults that end a life occur
 * early in it, during start and recovery.
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

/** A plan that requests this many faults of a kind gets about as many. */
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

/** Returns the faults without one of them. If it ended a life, later faults move one life earlier. */
export function withoutFault(faults: readonly Fault[], index: number): readonly Fault[] {
  const gone = faults[index]!
  const left = faults.filter((_, at) => at !== index)
  if (!endings.has(gone.kind)) return left
  const moved = left.map((fault) => (fault.life > gone.life ? { ...fault, life: fault.life - 1 } : fault))
  return inOrder(moved)
}
