import type { MemberMetadata } from './group.ts'

/** A member, as requests name it. */
export interface MemberPlace {
  /** Empty before the group has given one. */
  readonly member: string
  readonly instance: string | undefined
  readonly generation: number
}

/** What a member asks to join with. */
export interface JoinRequest extends MemberPlace {
  readonly sessionMs: number
  readonly rebalanceMs: number
  readonly protocol: string
  readonly metadata: Uint8Array
}

/** The group, as it was formed. */
export interface JoinAnswer {
  /** An error of the protocol, of those in `memberErrors`. */
  readonly error: number
  readonly generation: number
  /** The id of the leader, and that of the member that asks. */
  readonly leader: string
  readonly member: string
  /** All members, for the leader. */
  readonly members: readonly MemberMetadata[]
}

/** What a member gets. */
export interface SyncAnswer {
  readonly error: number
  readonly assignment: Uint8Array
}

/**
 * The coordinator of one group, as its members ask it. Errors that a member handles are a part of the answers; all calls
 * reject with a `KafkaFailure` for others, and if no broker answers.
 */
export interface GroupCoordinator {
  /** Answered when all members have asked, or after the time for a rebalance. */
  join(request: JoinRequest): Promise<JoinAnswer>
  /** The leader gives the assignments; the others wait for it. */
  sync(place: MemberPlace, assignments: ReadonlyMap<string, Uint8Array>): Promise<SyncAnswer>
  /** Says that the member is there. Resolves with an error, or 0. */
  heartbeat(place: MemberPlace): Promise<number>
  leave(place: MemberPlace): Promise<void>
}

/** The errors that a member handles, by their numbers in the protocol. */
export const memberErrors = {
  none: 0,
  /** The group has a newer generation. */
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  /** The member has to ask again with the id that it gets. */
  memberIdRequired: 79,
  /** Another process has the name of the static member. */
  fencedInstance: 82,
} as const

/** Whether a member handles an error by itself. */
export function isMemberError(error: number): boolean {
  return (Object.values(memberErrors) as readonly number[]).includes(error)
}
