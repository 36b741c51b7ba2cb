import type { GroupMember, KafkaPort, MemberMetadata } from '@millrace/connector-kafka/port'
import { describeError } from '@millrace/core'
import type { Clock } from '@millrace/world'
import { divideLeases, type WorkerShare } from './assignor.ts'
import {
  decodeClaim,
  decodeShare,
  encodeMessage,
  protocol,
  type Claim,
  type JobEnding,
  type Share,
  type WorkerPlace,
} from './messages.ts'

/** How a worker takes part in the division of leases. Durations are in milliseconds. */
export interface PlacementOptions {
  readonly port: Pick<KafkaPort, 'join'>
  readonly clock: Clock
  readonly group: string
  /** Names a static member: its restart within the session moves nothing. */
  readonly instance?: string | undefined
  readonly leases: number
  /** How many other workers copy the state of a lease. */
  readonly standbys: number
  readonly sessionMs: number
  /** The leases whose state is on the disk, each with the offset up to which it is there. */
  readonly cached?: () => readonly (readonly [lease: number, offset: number])[]
  /** The leases of others whose copy here is up to date. Without it the worker makes no copies, and leases move at once. */
  readonly current?: () => readonly number[]
  /** Where other workers reach this one. */
  readonly address?: string | undefined
  /** The group was formed, of these workers. */
  joined(workers: number, places: readonly WorkerPlace[]): void
  /** Runs a lease from now on, in a run of the job. Resolves when it has begun, or was released or lost meanwhile. */
  gain(lease: number, run: string): Promise<void>
  /** Ends a lease: resolves when nothing of it runs here any more. */
  release(lease: number): Promise<void>
  /** The leases of others to copy: all of them, whenever they may have changed. */
  copy?(leases: readonly number[]): void
  /**
   * Others may run what this worker has held, or soon: it commits nothing any more, from this call on. Resolves when nothing runs.
   * `isFenced`: the worker does not join again.
   */
  lost(reason: string, isFenced: boolean): Promise<void>
  /** The job is to end: called as often as that is heard. */
  ending(how: JobEnding): void
  /** The input of all leases has ended, and all workers know. */
  over(): void
  /** The work cannot be divided. */
  failed(problem: string): void
}

/**
 * Which leases this worker holds, as its group decides.
 *
 * A lease is given to a worker only after its holder has listed it as held no more. So each change takes two rounds: in the first
 * one the holder learns that it has to give the lease up, and when it has done so it asks for the second.
 *
 * A worker that the group does not answer drops its leases before the group can give them to others: it cannot learn of that.
 *
 * Invariant between any two calls: while leases are held, `#watch` is set.
 */
export class Placement {
  readonly #options: PlacementOptions
  readonly #held = new Set<number>()
  readonly #finished = new Set<number>()
  /** By lease: what happens to it, one thing after another. */
  readonly #steps = new Map<number, Promise<void>>()
  /** The leases that are being released. */
  readonly #leaving = new Set<number>()
  /** Counts the removals from the group: what was assigned before one means nothing after it. */
  #removals = 0
  #member: GroupMember | undefined
  #ending: JobEnding | undefined
  #hasLeft = false
  /** The run of the job, and whether its input has ended. */
  #run: string | undefined
  #isOver = false
  /** Whether the leases were dropped, and the group has assigned nothing since. */
  #isLost = false
  /** Looks when the group was heard of last. */
  #watch: Disposable | undefined

  private constructor(options: PlacementOptions) {
    this.#options = options
  }

  /** Joins the group. Rejects with what the group refuses. */
  static async join(options: PlacementOptions): Promise<Placement> {
    const placement = new Placement(options)
    const { port, group, instance, sessionMs } = options
    placement.#member = await port.join({
      group,
      ...(instance !== undefined && { instance }),
      sessionMs,
      heartbeatMs: heartbeatOf(sessionMs),
      // A member that is late in a rebalance is not to be removed earlier than one that is silent.
      rebalanceMs: Math.max(60_000, 2 * sessionMs),
      protocol,
      metadata: () => placement.#claim(),
      assign: (members) => placement.#assign(members),
      assigned: (assignment) => placement.#assigned(assignment),
      lost: (reason, isFenced) => placement.#lost(reason, isFenced),
    })
    // A static member that comes back gets what it had, without a new division: it may have been about to give something up.
    if (instance !== undefined) placement.#member.rejoin()
    return placement
  }

  /** The leases that this worker holds, also those that it is releasing. */
  get held(): readonly number[] {
    return [...this.#held].toSorted((a, b) => a - b)
  }

  /** A moment, by the monotonic clock, from which the group waits at least the session before it gives the leases to others. */
  get confirmedAt(): number {
    return this.#member?.confirmedAt ?? Number.NEGATIVE_INFINITY
  }

  /** Says that the input of a lease has ended. */
  finished(lease: number): void {
    if (this.#finished.has(lease)) return
    this.#finished.add(lease)
    this.#member?.rejoin()
  }

  /** Says that another copy is up to date. */
  copied(): void {
    this.#member?.rejoin()
  }

  /** Ends the job, in all workers. */
  end(how: JobEnding): void {
    this.#ending = how
    this.#member?.rejoin()
  }

  /** Leaves the group; others get what this worker held. Nothing may run any more. */
  async leave(): Promise<void> {
    this.#hasLeft = true
    this.#watch?.[Symbol.dispose]()
    await this.#member?.leave()
  }

  #claim(): Uint8Array {
    const { leases, cached, current } = this.#options
    const claim: Claim = {
      leases,
      held: this.held,
      cached: cached?.() ?? [],
      current: current?.(),
      finished: [...this.#finished],
      address: this.#options.address,
      run: this.#run,
      isOver: this.#isOver,
      ending: this.#ending,
    }
    return encodeMessage(claim)
  }

  /** Divides the leases, as the leader of the group. */
  #assign(members: readonly MemberMetadata[]): ReadonlyMap<string, Uint8Array> {
    const { leases, standbys } = this.#options
    const claims = members.map(({ member, metadata }) => ({ id: member, ...decodeClaim(metadata) }))
    const other = claims.find((claim) => claim.leases !== leases)
    const problem =
      other === undefined
        ? undefined
        : `workers of one job divide its work into ${leases} and into ${other.leases} leases; start all of them with the same --leases`
    const shares = divideLeases(
      claims.map(({ id, held, cached, current }) => ({
        id,
        held,
        cached: new Map(cached),
        current: current && new Set(current),
      })),
      leases,
      standbys,
    )
    const finished = new Set(claims.flatMap((claim) => claim.finished))
    const places = claims.map(({ id, address, held }) => placeOf(address, held, shares.get(id)!))
    const endings = claims.flatMap((claim) => claim.ending ?? [])
    const common = {
      workers: members.length,
      run: runOf(claims),
      isOver: finished.size === leases || claims.some(({ isOver }) => isOver),
      isKnown: claims.every(({ isOver }) => isOver),
      problem,
      ending: endings.find((each) => each === 'stop') ?? endings[0],
      places,
    }
    return new Map([...shares].map(([id, share]) => [id, encodeMessage({ ...share, ...common })]))
  }

  #assigned(assignment: Uint8Array): void {
    if (this.#hasLeft) return
    let share: Share
    try {
      share = decodeShare(assignment)
    } catch (error) {
      this.#options.failed(describeError(error))
      return
    }
    if (share.problem !== undefined) return this.#options.failed(share.problem)
    // The answer is old: the group may have removed this worker since.
    if (!this.#isSure) {
      this.#member?.rejoin()
      return
    }
    this.#isLost = false
    this.#run = share.run
    this.#options.joined(share.workers, share.places)
    if (share.ending !== undefined) {
      this.#ending = share.ending
      this.#options.ending(share.ending)
    }
    if (share.isOver) return this.#over(share)
    const given = new Set(share.leases)
    for (const lease of this.held) if (!given.has(lease)) this.#release(lease)
    for (const lease of given) this.#gain(lease, share.run)
    this.#options.copy?.(share.standbys)
    this.#keepWatch()
  }

  /** All input has ended. The worker remains in the group until all know. */
  #over({ isKnown }: Share): void {
    const isNews = !this.#isOver
    this.#isOver = true
    if (isKnown) this.#options.over()
    else if (isNews) this.#member?.rejoin()
  }

  #gain(lease: number, run: string): void {
    if (this.#held.has(lease)) return
    this.#held.add(lease)
    const removals = this.#removals
    this.#then(lease, async () => {
      if (removals === this.#removals && this.#held.has(lease)) await this.#options.gain(lease, run)
    })
  }

  #release(lease: number): void {
    if (this.#leaving.has(lease)) return
    this.#leaving.add(lease)
    const removals = this.#removals
    this.#then(lease, async () => {
      if (removals === this.#removals) await this.#options.release(lease)
      if (removals !== this.#removals) return
      this.#leaving.delete(lease)
      this.#held.delete(lease)
      this.#finished.delete(lease)
      this.#member?.rejoin()
    })
  }

  /** Whether the group cannot have removed this worker yet, also if it hears nothing of it for another heartbeat. */
  get #isSure(): boolean {
    return this.#sureMs > 0
  }

  get #sureMs(): number {
    const { clock, sessionMs } = this.#options
    // The group has just got to know it.
    if (this.#member === undefined) return sessionMs
    return this.confirmedAt + sessionMs - heartbeatOf(sessionMs) - clock.monotonic()
  }

  /** Drops the leases when the group has not been heard of for so long that it may soon give them to others. */
  #keepWatch(): void {
    if (this.#watch !== undefined || this.#held.size === 0 || this.#hasLeft) return
    this.#watch = this.#options.clock.schedule(this.#sureMs, () => {
      this.#watch = undefined
      if (this.#isSure) this.#keepWatch()
      else if (this.#held.size > 0) this.#drop()
    })
  }

  #drop(): void {
    this.#lost(`group ${this.#options.group} has not answered for too long`, false)
    // If the group has not removed this worker, it has to learn that nothing is held.
    this.#member?.rejoin()
  }

  #lost(reason: string, isFenced: boolean): void {
    if (this.#hasLeft || (this.#isLost && !isFenced)) return
    this.#isLost = true
    this.#removals++
    const held = this.held
    this.#held.clear()
    this.#leaving.clear()
    this.#finished.clear()
    const stopped = this.#options.lost(reason, isFenced)
    // A lease that comes back begins only after its last run here has ended.
    for (const lease of held) this.#then(lease, () => stopped)
  }

  /** Steps of one lease follow one another. They do not throw: what fails is reported by the lease itself. */
  #then(lease: number, step: () => Promise<void>): void {
    const before = this.#steps.get(lease) ?? Promise.resolve()
    this.#steps.set(lease, before.then(step))
  }
}

function placeOf(
  address: string | undefined,
  held: readonly number[],
  { leases, standbys }: WorkerShare,
): WorkerPlace {
  return { address, leases: [...new Set([...leases, ...held])], standbys }
}

function heartbeatOf(sessionMs: number): number {
  return Math.max(1, Math.floor(sessionMs / 5))
}

/** The run of those that hold something counts most; a new one is named after a member, whose id is used once. */
function runOf(claims: readonly (Claim & { readonly id: string })[]): string {
  const known = claims.filter(({ run }) => run !== undefined)
  const { run } = known.find(({ held }) => held.length > 0) ?? known[0] ?? {}
  return run ?? claims.map(({ id }) => id).toSorted()[0]!
}
