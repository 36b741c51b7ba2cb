import type { Random } from '@millrace/world'

/** A possible next step. */
export interface Candidate {
  /**
   * The strand it belongs to. The waits of a task form one strand; a task that begins a second wait before its first
   * has ended, as with `Promise.all`, begins a second strand.
   */
  readonly strand: number
}

/** Decides which strand runs next. */
export interface SchedulePolicy {
  /** Its name in failures. */
  readonly name: string
  /**
   * Returns the index of the next step. `able` is never empty, and is in the order in which its members became ready.
   */
  choose(able: readonly Candidate[]): number
}

/** Chooses every strand with the same probability. */
export function uniform(random: Random): SchedulePolicy {
  return { name: 'anyone', choose: (able) => random.int(able.length) }
}

/** Mostly chooses the strand that has been ready for longest, like a real event loop. */
function oldestFirst(random: Random): SchedulePolicy {
  return mostly('oldest first', () => 0, random)
}

/** Mostly chooses the strand that became ready last: runs one task as far as possible while others wait. */
function newestFirst(random: Random): SchedulePolicy {
  return mostly('newest first', (able) => able.length - 1, random)
}

/** How often a policy with a preference chooses at random: never, or once in this many choices. Drawn for each run. */
const EXCEPTIONS = [0, 20, 5] as const

function mostly(name: string, choose: SchedulePolicy['choose'], random: Random): SchedulePolicy {
  const oneIn = EXCEPTIONS[random.int(EXCEPTIONS.length)]!
  return {
    name,
    choose: (able) => (oneIn > 0 && random.int(oneIn) === 0 ? random.int(able.length) : choose(able)),
  }
}

/**
 * Random strict priorities, with a few moments at which the strand with the highest priority gets the lowest.
 *
 * A bug that needs d events in one order is found with a probability that falls with the number of tasks and steps,
 * not with the number of schedules: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with
 * probabilistic guarantees of finding bugs" (2010).
 */
function changingPriorities(random: Random): SchedulePolicy {
  const priorities = new Map<number, number>()
  const priorityOf = ({ strand }: Candidate): number => {
    const priority = priorities.get(strand) ?? random.next()
    priorities.set(strand, priority)
    return priority
  }
  // The length of a run is not known in advance, so its order of magnitude is drawn as well.
  const steps = [10, 100, 1_000][random.int(3)]!
  const changes = new Set(Array.from({ length: 1 + random.int(4) }, () => random.int(steps)))
  let step = 0
  let lowest = 0
  return {
    name: 'changing priorities',
    choose(able) {
      const rated = able.map(priorityOf)
      const best = rated.indexOf(Math.max(...rated))
      if (!changes.has(step++)) return best
      priorities.set(able[best]!.strand, --lowest)
      return rated.length === 1 ? best : this.choose(able)
    },
  }
}

/** One strand runs only when no other strand can. */
function starving(random: Random): SchedulePolicy {
  const victim = random.int(8)
  return {
    name: `strand ${victim} starves`,
    choose(able) {
      const drawn = random.int(able.length)
      if (able[drawn]!.strand !== victim || able.length === 1) return drawn
      return (drawn + 1 + random.int(able.length - 1)) % able.length
    },
  }
}

/** Draws one of the policies. */
export function anyPolicy(random: Random): SchedulePolicy {
  switch (random.int(8)) {
    case 0:
      return oldestFirst(random)
    case 1:
      return newestFirst(random)
    case 2:
      return starving(random)
    case 3:
    case 4:
      return changingPriorities(random)
    default:
      return uniform(random)
  }
}
