import { describeError } from '@millrace/core'
import { KafkaFailure, type World } from '../cluster.ts'
import { Outage, Patience, pause } from '../patience.ts'
import type { GroupMember, GroupOptions } from './group.ts'
import {
  memberErrors,
  type GroupCoordinator,
  type JoinAnswer,
  type MemberPlace,
} from './group-coordinator.ts'

/** The pause before a member asks again that was refused with an error that passes. */
const againMs = 20

/** What a membership is made of. */
export interface MembershipParts {
  readonly coordinator: GroupCoordinator
  readonly options: GroupOptions
  readonly world: World
  /** The brokers, for messages. */
  readonly address: string
}

/**
 * A member of a group: it joins, gets its assignment, and sends heartbeats until the group is formed anew. It holds what it
 * has during a rebalance; the assignor decides what it has to give back.
 *
 * Heartbeats never wait for a rebalance: they are sent on the clock from the first generation on.
 */
export class Membership implements GroupMember {
  id = ''
  confirmedAt: number
  readonly #parts: MembershipParts
  readonly #patience: Patience
  readonly #outage: Outage
  readonly #ending = new AbortController()
  /** Aborted when the member has left, or the job stops. */
  readonly #signal: AbortSignal
  /** The generation that the member is in; -1 for none. */
  #generation = -1
  #isJoining = false
  /** When the last heartbeat was sent that came outside of a rebalance. */
  #calmAt: number
  /** Whether the group has to be asked again, with the metadata of that moment. */
  #isStale = true
  #wake: (() => void) | undefined
  #known: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined

  /** Resolves when the group knows the member. Rejects with what the group refuses, or when the job stops. */
  static async join(parts: MembershipParts): Promise<Membership> {
    const member = new Membership(parts)
    await new Promise<void>((resolve, reject) => {
      member.#known = { resolve, reject }
      void member.#run()
    })
    return member
  }

  private constructor(parts: MembershipParts) {
    const { address, world } = parts
    this.#parts = parts
    this.confirmedAt = this.#calmAt = world.clock.monotonic()
    this.#signal = AbortSignal.any([world.signal, this.#ending.signal])
    this.#patience = new Patience(address, { ...passedOn(world), signal: this.#signal })
    this.#outage = new Outage(address, world)
    this.#signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  rejoin(): void {
    this.#isStale = true
    this.#wake?.()
  }

  async leave(): Promise<void> {
    if (this.#isEnded) return
    this.end()
    if (this.id === '' || this.#parts.options.instance !== undefined) return
    try {
      await this.#parts.coordinator.leave(this.#place())
    } catch (error) {
      // Without an answer the session ends by itself.
      if (!(error instanceof KafkaFailure) && !this.#parts.world.signal.aborted) throw error
    }
  }

  /** Asks nothing more, without a word to the group. */
  end(): void {
    this.#ending.abort(new Error('the member has left the group'))
  }

  get #isEnded(): boolean {
    return this.#signal.aborted
  }

  #place(): MemberPlace {
    return { member: this.id, instance: this.#parts.options.instance, generation: this.#generation }
  }

  async #run(): Promise<void> {
    void this.#beat()
    try {
      while (!this.#isEnded) {
        if (!this.#isStale) {
          await new Promise<void>((resolve) => (this.#wake = resolve))
          this.#wake = undefined
          continue
        }
        this.#isJoining = true
        const isDone = await this.#round()
        this.#isJoining = false
        if (!isDone) await pause(this.#parts.world.clock, this.#signal, againMs)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#known?.reject(this.#signal.reason)
  }

  /** Joins, and gets an assignment. False if that has to be tried again. */
  async #round(): Promise<boolean> {
    const { coordinator, options, world } = this.#parts
    const { sessionMs, rebalanceMs, protocol } = options
    this.#isStale = false
    const metadata = options.metadata()
    const asked = this.#place()
    const joined = await this.#patience.repeat(() =>
      coordinator.join({ ...asked, sessionMs, rebalanceMs, protocol, metadata }),
    )
    if (this.#isEnded) return false
    if (joined.error !== memberErrors.none) return this.#refused(joined.error, asked, joined.member)
    if (this.#generation < 0) this.confirmedAt = world.clock.monotonic()
    this.id = joined.member
    this.#generation = joined.generation
    this.#acquainted()
    return this.#sync(joined)
  }

  async #sync(joined: JoinAnswer): Promise<boolean> {
    const { coordinator, options, world } = this.#parts
    const { member, generation } = joined
    const assignments =
      joined.leader === member ? options.assign(joined.members) : new Map<string, Uint8Array>()
    const asked = this.#place()
    let sentAt = 0
    const { error, assignment } = await this.#patience.repeat(() => {
      sentAt = world.clock.monotonic()
      return coordinator.sync(asked, assignments)
    })
    if (this.#isEnded) return false
    // The group has removed the member meanwhile, and a heartbeat was the first to hear of it.
    if (this.id !== member) return this.#again()
    if (error !== memberErrors.none) return this.#refused(error, asked, member)
    this.#confirm(sentAt)
    this.#calmAt = Math.max(this.#calmAt, sentAt)
    options.assigned(assignment, generation)
    return true
  }

  /** What an answer to a join or a sync means. */
  #refused(error: number, asked: MemberPlace, member: string): boolean {
    if (error === memberErrors.fencedInstance) this.#fenced()
    else if (error === memberErrors.unknownMember) this.#removed(asked)
    else if (error === memberErrors.memberIdRequired) {
      this.id = member
      this.#acquainted()
      this.#isStale = true
      return true
    }
    return this.#again()
  }

  #again(): false {
    this.#isStale = true
    return false
  }

  #acquainted(): void {
    this.#known?.resolve()
    this.#known = undefined
  }

  #confirm(sentAt: number): void {
    this.confirmedAt = Math.max(this.confirmedAt, sentAt)
  }

  async #beat(): Promise<void> {
    const { coordinator, options, world } = this.#parts
    while (!this.#isEnded) {
      await pause(world.clock, this.#signal, options.heartbeatMs)
      if (this.#isEnded || this.#generation < 0) continue
      const asked = this.#place()
      const sentAt = world.clock.monotonic()
      try {
        this.#outage.tried()
        const error = await coordinator.heartbeat(asked)
        this.#outage.ended()
        if (!this.#isEnded) this.#heard(error, asked, sentAt)
      } catch (error) {
        if (this.#isEnded) return
        if (error instanceof KafkaFailure && !error.isFinal) this.#outage.began(error)
        else this.#fail(error)
      }
    }
  }

  /** What the answer to a heartbeat means. */
  #heard(error: number, asked: MemberPlace, sentAt: number): void {
    if (error === memberErrors.fencedInstance) {
      this.#fenced()
      return
    }
    if (error === memberErrors.unknownMember) {
      this.#removed(asked)
      return
    }
    if (asked.member === this.id) this.#confirm(this.#sure(error, sentAt))
    if (error === memberErrors.none || this.#isJoining) return
    if (asked.generation === this.#generation) this.rejoin()
  }

  /**
   * From when on the group waits for a session. During a rebalance it also removes a member that has not asked to join in time,
   * although its heartbeats come: the rebalance cannot have begun before the last heartbeat outside of one.
   */
  #sure(error: number, sentAt: number): number {
    if (error === memberErrors.none) {
      this.#calmAt = sentAt
      return sentAt
    }
    const { rebalanceMs, sessionMs } = this.#parts.options
    return Math.min(sentAt, this.#calmAt + rebalanceMs - sessionMs)
  }

  /** The group does not know the member that has asked. */
  #removed(asked: MemberPlace): void {
    // Another answer may have said so before.
    if (asked.member !== this.id) return
    const hadPlace = this.#generation >= 0
    this.id = ''
    this.#generation = -1
    if (hadPlace)
      this.#parts.options.lost(`group ${this.#parts.options.group} has removed this member`, false)
    this.rejoin()
  }

  #fenced(): void {
    const { group, instance } = this.#parts.options
    const reason = `another process has the name ${instance} in group ${group}; give each process a name of its own`
    this.#fail(new KafkaFailure(memberErrors.fencedInstance, reason, true))
  }

  /** The member cannot remain in the group. */
  #fail(error: unknown): void {
    if (this.#isEnded) return
    this.end()
    this.#generation = -1
    const { options } = this.#parts
    if (this.#known === undefined) options.lost(describeError(error), true)
    this.#known?.reject(error)
    this.#known = undefined
  }
}

/** The world's own, bound to it: a class may have them. */
function passedOn(world: World): Omit<World, 'signal'> {
  return {
    clock: world.clock,
    warn: (message) => world.warn(message),
    down: (reason) => world.down(reason),
    trying: () => world.trying(),
    up: () => world.up(),
  }
}
