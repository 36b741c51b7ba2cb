import {
  memberErrors,
  type JoinAnswer,
  type JoinRequest,
  type MemberPlace,
  type SyncAnswer,
} from '@millrace/connector-kafka/port'
import type { Clock } from '@millrace/world'
import { GroupRoll, type RollMember } from './group-roll.ts'
import { throwIfError } from './process-link.ts'

const { illegalGeneration, rebalanceInProgress, unknownMember, memberIdRequired, fencedInstance, none } =
  memberErrors
const inconsistentProtocol = 23
const noBytes = new Uint8Array(0)

/**
 * A group as its coordinator keeps it, with the classic protocol of Kafka: members ask to join until all have, or the time for
 * a rebalance is over; then the leader gives the assignments.
 *
 *   empty ──▶ joining ──▶ syncing ──▶ stable
 *               ▲            │           │
 *               └────────────┴───────────┘  a member comes, leaves, is removed, or has other metadata
 */
export class MemoryGroup {
  readonly #name: string
  readonly #clock: Clock
  readonly #roll = new GroupRoll()
  #phase: 'empty' | 'joining' | 'syncing' | 'stable' = 'empty'
  #generation = 0
  #protocol = ''
  /** Ends the wait for members that have not asked to join, or not for their assignment. */
  #timer: Disposable | undefined

  constructor(name: string, clock: Clock) {
    this.#name = name
    this.#clock = clock
  }

  get memberIds(): readonly string[] {
    return this.#roll.members.map(({ id }) => id)
  }

  join(request: JoinRequest): Promise<JoinAnswer> {
    if (this.#phase !== 'empty' && request.protocol !== this.#protocol) {
      throwIfError(inconsistentProtocol, `JoinGroup for group ${this.#name}`)
    }
    if (request.member !== '') return this.#joinAgain(request)
    if (request.instance !== undefined) return this.#joinByName(request, request.instance)
    const id = this.#roll.newId('member')
    const session = this.#clock.schedule(request.sessionMs, () => {
      this.#roll.pending.delete(id)
      this.#completeIfAllJoined()
    })
    this.#roll.pending.set(id, session)
    return Promise.resolve(this.#refused(memberIdRequired, id))
  }

  sync(place: MemberPlace, assignments: ReadonlyMap<string, Uint8Array>): Promise<SyncAnswer> {
    const error = this.#placeError(place)
    const member = this.#roll.find(place.member)
    if (error !== none || member === undefined) return syncError(error)
    if (this.#phase === 'joining') return syncError(rebalanceInProgress)
    if (this.#phase === 'stable') {
      member.hasSynced = true
      return Promise.resolve({ error: none, assignment: member.assignment })
    }
    return new Promise((resolve) => {
      member.syncing = resolve
      if (this.#roll.leader === member.id) this.#assign(assignments)
    })
  }

  heartbeat(place: MemberPlace): number {
    const error = this.#placeError(place)
    const member = this.#roll.find(place.member)
    if (error !== none || member === undefined) return error
    this.#expectHeartbeat(member)
    return this.#phase === 'joining' ? rebalanceInProgress : none
  }

  leave({ member: id, instance }: MemberPlace): void {
    this.#roll.removePending(id)
    const member = this.#roll.find(id)
    if (member !== undefined && this.#roll.memberError(id, instance) === none) this.#remove(member)
    else this.#completeIfAllJoined()
  }

  #joinByName(request: JoinRequest, instance: string): Promise<JoinAnswer> {
    const id = this.#roll.newId(instance)
    const member = this.#roll.named(instance)
    if (member === undefined) return this.#add(id, request)
    const formerLeader = this.#roll.leader
    member.joining?.(this.#refused(fencedInstance, member.id))
    member.syncing?.({ error: fencedInstance, assignment: noBytes })
    this.#roll.rename(member, id)
    this.#expectHeartbeat(member)
    if (this.#phase === 'stable') {
      // Nothing changes for the others. The new process is not shown as the leader: it has nothing to assign.
      update(member, request)
      return Promise.resolve({ ...this.#refused(none, id), leader: formerLeader })
    }
    const answer = this.#wait(member, request)
    if (this.#phase === 'syncing') this.#beginJoining()
    else this.#completeIfAllJoined()
    return answer
  }

  #joinAgain(request: JoinRequest): Promise<JoinAnswer> {
    const { member: id, instance } = request
    if (this.#roll.removePending(id)) return this.#add(id, request)
    const error = this.#roll.memberError(id, instance)
    if (error !== none) return Promise.resolve(this.#refused(error, id))
    const member = this.#roll.find(id)!
    const isSame = isEqual(member.metadata, request.metadata)
    const isLeader = this.#roll.leader === id
    if (isSame && (this.#phase === 'syncing' || (this.#phase === 'stable' && !isLeader))) {
      return Promise.resolve(this.#joined(member))
    }
    const answer = this.#wait(member, request)
    this.#rebalance()
    return answer
  }

  #add(id: string, request: JoinRequest): Promise<JoinAnswer> {
    this.#protocol = request.protocol
    const member = this.#roll.add(id, request)
    const answer = this.#wait(member, request)
    this.#rebalance()
    return answer
  }

  /** The answer comes when the group is formed. */
  #wait(member: RollMember, request: JoinRequest): Promise<JoinAnswer> {
    update(member, request)
    return new Promise((resolve) => (member.joining = resolve))
  }

  #rebalance(): void {
    if (this.#phase === 'joining') this.#completeIfAllJoined()
    else this.#beginJoining()
  }

  #beginJoining(): void {
    for (const member of this.#roll.members) {
      if (this.#phase !== 'syncing') break
      member.assignment = noBytes
      this.#answerSync(member, rebalanceInProgress)
    }
    this.#phase = 'joining'
    this.#limit(() => this.#complete())
    this.#completeIfAllJoined()
  }

  #completeIfAllJoined(): void {
    if (this.#phase !== 'joining' || this.#roll.pending.size > 0) return
    if (this.#roll.members.every(({ joining }) => joining !== undefined)) this.#complete()
  }

  /** Forms the group of those that have asked. Static members remain, also if they have not. */
  #complete(): void {
    for (const member of this.#roll.members) {
      if (member.joining === undefined && member.instance === undefined) this.#roll.remove(member)
    }
    const { members } = this.#roll
    if (members.length > 0 && !this.#roll.electJoined()) {
      this.#limit(() => this.#complete())
      return
    }
    this.#generation++
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#phase = members.length === 0 ? 'empty' : 'syncing'
    for (const member of members) {
      const { joining } = member
      member.joining = undefined
      member.hasSynced = false
      this.#expectHeartbeat(member)
      joining?.(this.#joined(member))
    }
    if (members.length > 0) this.#limit(() => this.#dropUnsynced())
  }

  #assign(assignments: ReadonlyMap<string, Uint8Array>): void {
    this.#phase = 'stable'
    for (const member of this.#roll.members) {
      member.assignment = assignments.get(member.id)?.slice() ?? noBytes
      this.#answerSync(member, none)
    }
  }

  #answerSync(member: RollMember, error: number): void {
    const { syncing, assignment } = member
    if (syncing === undefined) return
    member.syncing = undefined
    member.hasSynced = true
    this.#expectHeartbeat(member)
    syncing({ error, assignment: error === none ? assignment : noBytes })
  }

  #dropUnsynced(): void {
    const late = this.#roll.members.filter(({ hasSynced, syncing }) => !hasSynced && syncing === undefined)
    for (const member of late) this.#roll.remove(member)
    if (late.length > 0) this.#beginJoining()
  }

  #remove(member: RollMember): void {
    member.joining?.(this.#refused(unknownMember, ''))
    member.syncing?.({ error: unknownMember, assignment: noBytes })
    this.#roll.remove(member)
    this.#rebalance()
  }

  #expectHeartbeat(member: RollMember): void {
    member.session?.[Symbol.dispose]()
    member.session = this.#clock.schedule(member.sessionMs, () => {
      // One that waits for an answer cannot be heard.
      if (member.joining === undefined && member.syncing === undefined) this.#remove(member)
    })
  }

  #limit(expired: () => void): void {
    this.#timer?.[Symbol.dispose]()
    const ms = Math.max(0, ...this.#roll.members.map(({ rebalanceMs }) => rebalanceMs))
    this.#timer = this.#clock.schedule(ms, expired)
  }

  #placeError({ member, instance, generation }: MemberPlace): number {
    const error = this.#roll.memberError(member, instance)
    if (error !== none) return error
    return generation === this.#generation ? none : illegalGeneration
  }

  #joined({ id }: RollMember): JoinAnswer {
    const { leader, members } = this.#roll
    const shown = members.map((member) => ({
      member: member.id,
      instance: member.instance,
      metadata: member.metadata,
    }))
    return {
      error: none,
      generation: this.#generation,
      leader,
      member: id,
      members: leader === id ? shown : [],
    }
  }

  #refused(error: number, member: string): JoinAnswer {
    return { error, generation: this.#generation, leader: '', member, members: [] }
  }
}

function update(member: RollMember, { sessionMs, rebalanceMs, metadata }: JoinRequest): void {
  member.sessionMs = sessionMs
  member.rebalanceMs = rebalanceMs
  member.metadata = metadata.slice()
}

function syncError(error: number): Promise<SyncAnswer> {
  return Promise.resolve({ error, assignment: noBytes })
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
