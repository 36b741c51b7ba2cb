import type { World } from '../cluster.ts'
import {
  isMemberError,
  type GroupCoordinator,
  type JoinAnswer,
  type JoinRequest,
  type MemberPlace,
  type SyncAnswer,
} from '../group/group-coordinator.ts'
import type { Brokers } from './brokers.ts'
import { codes } from './codes.ts'
import { Coordinator, type CoordinatorWait } from './coordinator.ts'
import { heartbeatRequest, joinRequest, leaveRequest, syncRequest } from './group-request.ts'

export interface WireGroupParts {
  readonly brokers: Brokers
  readonly world: Pick<World, 'clock' | 'signal'>
  readonly group: string
  readonly rebalanceMs: number
  /** How long an answer may take that waits for no other member. */
  readonly requestMs: number
}

/**
 * The coordinator of a group on a broker, for one member. What waits there for other members has a connection of its own, so
 * that heartbeats pass by it.
 */
export class WireGroup implements GroupCoordinator {
  readonly #group: string
  readonly #coordinator: Coordinator
  readonly #wait: CoordinatorWait

  constructor({ brokers, world, group, rebalanceMs, requestMs }: WireGroupParts) {
    this.#group = group
    this.#coordinator = new Coordinator({ brokers, kind: 'group', key: group, world, patienceMs: requestMs })
    this.#wait = { lane: brokers.newLane(), extraMs: rebalanceMs }
  }

  join(request: JoinRequest): Promise<JoinAnswer> {
    return this.#coordinator.ask(
      joinRequest(this.#group, request),
      ({ error }) => unlessOfMember(error),
      this.#wait,
    )
  }

  sync(place: MemberPlace, assignments: ReadonlyMap<string, Uint8Array>): Promise<SyncAnswer> {
    const request = syncRequest(this.#group, place, assignments)
    return this.#coordinator.ask(request, ({ error }) => unlessOfMember(error), this.#wait)
  }

  heartbeat(place: MemberPlace): Promise<number> {
    return this.#coordinator.ask(heartbeatRequest(this.#group, place), unlessOfMember)
  }

  async leave(place: MemberPlace): Promise<void> {
    await this.#coordinator.ask(leaveRequest(this.#group, place), unlessOfMember)
  }
}

/** An error that a member handles is an answer. */
function unlessOfMember(error: number): number {
  return isMemberError(error) ? codes.none : error
}
