/** What a member tells its group, and how it hears of the group's decisions. Calls never overlap. */
export interface GroupOptions {
  readonly group: string
  /** Names a static member: its restart within the session timeout changes nothing for the group. */
  readonly instance?: string
  /** After so long without a sign of life a member is removed. */
  readonly sessionMs: number
  readonly heartbeatMs: number
  /** For so long a rebalance waits for members that have not asked again. */
  readonly rebalanceMs: number
  /** Names the meaning of metadata and assignments: members with another name are refused. */
  readonly protocol: string
  /** What this member says of itself, each time the group is formed anew. */
  metadata(): Uint8Array
  /** Called in one member, the leader: what each member gets, by its id. */
  assign(members: readonly MemberMetadata[]): ReadonlyMap<string, Uint8Array>
  /**
   * What this member gets, in this generation. Empty if the leader has assigned nothing to it. It may come again for the same
   * generation.
   */
  assigned(assignment: Uint8Array, generation: number): void
  /**
   * The group has removed this member: it holds nothing any more, and asks again by itself. `isFenced`: another process has
   * its name, or the group refuses it, and it does not ask again.
   */
  lost(reason: string, isFenced: boolean): void
}

/** A member as the leader sees it. */
export interface MemberMetadata {
  readonly member: string
  readonly instance: string | undefined
  readonly metadata: Uint8Array
}

/** The membership of a process in a group. */
export interface GroupMember {
  /** The id that the group has given; it changes when the group has removed the member. Empty until there is one. */
  readonly id: string
  /**
   * A moment, by the monotonic clock, from which the group waits at least `sessionMs` before it removes the member: when the
   * last request was sent that the group has answered.
   */
  readonly confirmedAt: number
  /** Asks for the group to be formed anew, because the metadata has changed. */
  rejoin(): void
  /** Leaves the group, so that others get what this member held. A static member stays in the group until its session ends. */
  leave(): Promise<void>
}
