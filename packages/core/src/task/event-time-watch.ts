import { docsLink } from '../errors/docs-link.ts'
import { sleep } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { durationText, MIN_TIME, timeText, type EventTime } from '../record/time.ts'
import type { EventTimeWait } from '../observe/event-time-wait.ts'
import type { Plan } from '../plan/plan.ts'

/** How often to check for waits that are long enough for a warning. */
const looksPerStall = 4

/** The progress of one subtask of a source in event time. */
export interface SourceTiming {
  readonly source: string
  readonly subtask: number
  readonly watermark: EventTime
  /** Its watermark if it waited for none of its splits. */
  readonly seen: EventTime
  /** Whether other sources have to wait for it. */
  readonly isActive: boolean
  /** The split that its watermark waits for. */
  readonly split: string | undefined
  readonly isQuiet: boolean
  readonly idleAfterMs: number | undefined
}

/** The inputs of an `EventTimeWatch`. */
export interface EventTimeWatchOptions {
  readonly clock: Clock
  readonly plan: Plan
  /** Every subtask of every source that gives event times. */
  readonly timings: () => readonly SourceTiming[]
  /** How long event time may not advance while records wait, before a warning, in milliseconds. */
  readonly stalledAfterMs: number
  readonly warn: (message: string, docs?: string) => void
}

/** Since when a subtask of a source has had its watermark, by the clocks of the job. */
interface Standstill {
  readonly watermark: EventTime
  readonly sinceMs: number
  readonly since: number
  hasWarned: boolean
}

/**
 * Determines what event time waits for, and warns of long waits.
 *
 * Of the sources with a common operator, the slowest bounds the event time of all. That is a wait if others have read
 * records beyond its watermark.
 */
export class EventTimeWatch {
  readonly #options: EventTimeWatchOptions
  /** By source: the sources with a common operator, itself included. */
  readonly #groups: ReadonlyMap<string, number>
  readonly #standstills = new Map<string, Standstill>()

  constructor(options: EventTimeWatchOptions) {
    this.#options = options
    this.#groups = groupsOf(options.plan)
  }

  /** The current waits. */
  waits(): readonly EventTimeWait[] {
    return this.#look().map(({ timing, ahead, standstill }) => {
      const { source, subtask, watermark, split, isQuiet, idleAfterMs } = timing
      return { source, subtask, watermark, split, isQuiet, idleAfterMs, ahead, since: standstill.since }
    })
  }

  /** Warns of long waits, until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, stalledAfterMs } = this.#options
    while (!signal.aborted) {
      await sleep(clock, Math.max(1, stalledAfterMs / looksPerStall), signal).catch(() => {})
      if (!signal.aborted) this.#check()
    }
  }

  /** Warns of waits that have lasted too long, once each. */
  #check(): void {
    const { clock, stalledAfterMs, warn } = this.#options
    const now = clock.monotonic()
    for (const { timing, ahead, standstill } of this.#look()) {
      if (standstill.hasWarned || now - standstill.sinceMs < stalledAfterMs) continue
      standstill.hasWarned = true
      warn(warningOf(timing, ahead, now - standstill.sinceMs), docsLink('quietInput'))
    }
  }

  #look(): { timing: SourceTiming; ahead: EventTime; standstill: Standstill }[] {
    const { clock, timings } = this.#options
    const lowest = new Map<number, EventTime>()
    const highest = new Map<number, EventTime>()
    const all = timings()
    for (const { source, watermark, seen, isActive } of all) {
      const group = this.#groups.get(source)!
      highest.set(group, Math.max(highest.get(group) ?? MIN_TIME, seen))
      if (isActive) lowest.set(group, Math.min(lowest.get(group) ?? Infinity, watermark))
    }
    return all.flatMap((timing) => {
      const { source, subtask, watermark, isActive } = timing
      const group = this.#groups.get(source)!
      const ahead = highest.get(group)!
      const name = `${subtask}/${source}`
      if (!isActive || watermark > lowest.get(group)! || watermark >= ahead) {
        this.#standstills.delete(name)
        return []
      }
      let standstill = this.#standstills.get(name)
      if (standstill?.watermark !== watermark) {
        standstill = { watermark, sinceMs: clock.monotonic(), since: clock.now(), hasWarned: false }
        this.#standstills.set(name, standstill)
      }
      return [{ timing, ahead, standstill }]
    })
  }
}

function warningOf(timing: SourceTiming, ahead: EventTime, forMs: number): string {
  const { source, split, isQuiet, idleAfterMs, watermark } = timing
  const place = split === undefined ? `source '${source}'` : `source '${source}', split '${split}'`
  const where = watermark === MIN_TIME ? 'has not begun' : `is at ${timeText(watermark)}`
  const story = `event time has not moved for ${Math.floor(forMs / 1000)} s (${place}): it ${where}, while others have reached ${timeText(ahead)}, and windows wait`
  if (split === undefined) return `${story}. Splits that were found have not been read yet`
  if (!isQuiet) return `${story}. The split has brought nothing later; check why`
  const cause = `${story}. The split is caught up and brings nothing`
  return idleAfterMs === undefined
    ? `${cause}. Set idleAfter in withTimestamps so that quiet splits are not waited for`
    : `${cause}; it is waited for until it has been quiet for ${durationText(idleAfterMs)}, the idleAfter of withTimestamps`
}

/** Numbers the groups of sources whose records meet in a task, by source. */
export function groupsOf(plan: Plan): ReadonlyMap<string, number> {
  /** By task: the group of what it reads. Tasks are listed inputs first. */
  const groups = plan.tasks.map(({ index }) => index)
  for (const task of plan.tasks) {
    for (const port of task.ports) {
      // Nothing waits for event time in a sink.
      if (plan.tasks[port.task]!.kind === 'sink') continue
      const [from, to] = [groups[task.index]!, groups[port.task]!]
      if (from !== to) for (const [at, group] of groups.entries()) if (group === to) groups[at] = from
    }
  }
  return new Map(
    plan.tasks.flatMap((task) => (task.kind === 'source' ? [[task.name, groups[task.index]!] as const] : [])),
  )
}
