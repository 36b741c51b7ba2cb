/** The requests of members of a group, each in one version that all brokers since Kafka 2.5 speak. */
import type { JoinAnswer, JoinRequest, MemberPlace, SyncAnswer } from '../group/group-coordinator.ts'
import type { Request } from './request.ts'

const since = '2.5'

/** Groups of consumers have another type: their tools leave the members of these alone. */
const protocolType = 'millrace'

/** Asks to become a member, or to remain one in the next generation. */
export function joinRequest(group: string, asked: JoinRequest): Request<JoinAnswer> {
  return {
    name: 'JoinGroup',
    api: 11,
    version: 5,
    since,
    bytes: asked.metadata.length,
    write: (out) => {
      out.text(group)
      out.int32(asked.sessionMs)
      out.int32(asked.rebalanceMs)
      out.text(asked.member)
      out.text(asked.instance ?? null)
      out.text(protocolType)
      out.list([asked], ({ protocol, metadata }) => {
        out.text(protocol)
        out.bytes(metadata)
      })
    },
    read: (answer) => {
      answer.int32()
      const [error, generation] = [answer.int16(), answer.int32()]
      // The protocol is the only one that was asked for.
      answer.nullableText()
      const [leader, member] = [answer.text(), answer.text()]
      const members = answer.list(() => ({
        member: answer.text(),
        instance: answer.nullableText() ?? undefined,
        metadata: answer.bytes(),
      }))
      return { error, generation, leader, member, members }
    },
  }
}

/** Asks for the assignment; the leader gives those of all. */
export function syncRequest(
  group: string,
  { member, instance, generation }: MemberPlace,
  assignments: ReadonlyMap<string, Uint8Array>,
): Request<SyncAnswer> {
  return {
    name: 'SyncGroup',
    api: 14,
    version: 3,
    since,
    write: (out) => {
      out.text(group)
      out.int32(generation)
      out.text(member)
      out.text(instance ?? null)
      out.list([...assignments], ([of, assignment]) => {
        out.text(of)
        out.bytes(assignment)
      })
    },
    read: (answer) => {
      answer.int32()
      return { error: answer.int16(), assignment: answer.bytes() }
    },
  }
}

/** Says that a member is there. The answer is the error. */
export function heartbeatRequest(
  group: string,
  { member, instance, generation }: MemberPlace,
): Request<number> {
  return {
    name: 'Heartbeat',
    api: 12,
    version: 3,
    since,
    write: (out) => {
      out.text(group)
      out.int32(generation)
      out.text(member)
      out.text(instance ?? null)
    },
    read: (answer) => {
      answer.int32()
      return answer.int16()
    },
  }
}

/** Leaves a group. The answer is the error. */
export function leaveRequest(group: string, { member, instance }: MemberPlace): Request<number> {
  return {
    name: 'LeaveGroup',
    api: 13,
    version: 3,
    since,
    write: (out) => {
      out.text(group)
      out.list([member], (id) => {
        out.text(id)
        out.text(instance ?? null)
      })
    },
    read: (answer) => {
      answer.int32()
      return answer.int16()
    },
  }
}
