import {
  memberErrors,
  type JoinAnswer,
  type JoinRequest,
  type SyncAnswer,
} from '@millrace/connector-kafka/port'

/** A member, as the coordinator keeps it. */
export interface RollMember {
  id: string
  readonly instance: string | undefined
  sessionMs: number
  rebalanceMs: number
  metadata: Uint8Array
  assignment: Uint8Array
  /** Removes the member if it gives no sign of life. */
  session: Disposable | undefined
  /** Answers the member that waits for the group to be formed, or for its assignment. */
  joining: ((answer: JoinAnswer) => void) | undefined
  syncing: ((answer: SyncAnswer) => void) | undefined
  /** Whether it has got its assignment in this generation. */
  hasSynced: boolean
}

/** The members of a group, by their ids and, where they are static, by their names. */
export class GroupRoll {
  readonly #members = new Map<string, RollMember>()
  /** Those that have got an id and have to ask again, with their sessions. */
  readonly pending: Map<string, Disposable> = new Map()
  leader = ''
  #ids = 0

  get members(): readonly RollMember[] {
    return [...this.#members.values()]
  }

  newId(prefix: string): string {
    this.#ids++
    return `${prefix}-${this.#ids}`
  }

  find(id: string): RollMember | undefined {
    return this.#members.get(id)
  }

  named(instance: string): RollMember | undefined {
    return this.members.find((member) => member.instance === instance)
  }

  add(id: string, { instance, sessionMs, rebalanceMs, metadata }: JoinRequest): RollMember {
    const member: RollMember = {
      id,
      instance,
      sessionMs,
      rebalanceMs,
      metadata,
      assignment: new Uint8Array(0),
      session: undefined,
      joining: undefined,
      syncing: undefined,
      hasSynced: false,
    }
    this.#members.set(id, member)
    if (this.leader === '') this.leader = id
    return member
  }

  remove(member: RollMember): void {
    member.session?.[Symbol.dispose]()
    this.#members.delete(member.id)
    if (this.leader === member.id) this.leader = this.members[0]?.id ?? ''
  }

  /** Whether a member had to ask again with this id; it has to no more. */
  removePending(id: string): boolean {
    this.pending.get(id)?.[Symbol.dispose]()
    return this.pending.delete(id)
  }

  /** Gives a static member another id: that of the process that has its name now. */
  rename(member: RollMember, id: string): void {
    const isLeader = this.leader === member.id
    this.#members.delete(member.id)
    this.#members.set(id, member)
    member.id = id
    member.joining = undefined
    member.syncing = undefined
    if (isLeader) this.leader = id
  }

  /** Makes sure that the leader is a member that has asked. False if none has. */
  electJoined(): boolean {
    if (this.find(this.leader)?.joining !== undefined) return true
    const joined = this.members.find(({ joining }) => joining !== undefined)
    if (joined === undefined) return false
    this.leader = joined.id
    return true
  }

  /** The error for what asks with an id, and the name of a static member. */
  memberError(id: string, instance: string | undefined): number {
    if (instance !== undefined) {
      const named = this.named(instance)
      if (named !== undefined && named.id !== id) return memberErrors.fencedInstance
    }
    return this.#members.has(id) ? memberErrors.none : memberErrors.unknownMember
  }
}
