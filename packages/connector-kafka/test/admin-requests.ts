/** Requests of Kafka's protocol that tests make to prepare a broker and to look at it. */
import type { Cursor } from '../src/wire/cursor.ts'
import type { Request } from '../src/wire/request.ts'

const timeoutMs = 30_000

export function createPartitionsRequest(topic: string, total: number): Request<readonly number[]> {
  return {
    name: 'CreatePartitions',
    api: 37,
    version: 1,
    write: (out) => {
      out.list([topic], (name) => {
        out.text(name)
        out.int32(total)
        out.int32(-1)
      })
      out.int32(timeoutMs)
      out.boolean(false)
    },
    read: readNamedErrors,
  }
}

export function deleteTopicRequest(topic: string): Request<readonly number[]> {
  return {
    name: 'DeleteTopics',
    api: 20,
    version: 3,
    write: (out) => {
      out.list([topic], (name) => out.text(name))
      out.int32(timeoutMs)
    },
    read: (answer) => {
      answer.int32()
      return answer.list(() => {
        answer.text()
        return answer.int16()
      })
    },
  }
}

/** Asks for the ids of the members of a group. */
export function groupRequest(
  group: string,
): Request<{ readonly error: number; readonly members: readonly string[] }> {
  return {
    name: 'DescribeGroups',
    api: 15,
    version: 0,
    write: (out) => out.list([group], (name) => out.text(name)),
    read: (answer) => {
      const [found] = answer.list(() => {
        const error = answer.int16()
        for (let texts = 0; texts < 4; texts++) answer.text()
        const members = answer.list(() => {
          const id = answer.text()
          for (let texts = 0; texts < 2; texts++) answer.text()
          answer.bytes()
          answer.bytes()
          return id
        })
        return { error, members }
      })
      return found!
    },
  }
}

function readNamedErrors(answer: Cursor): readonly number[] {
  answer.int32()
  return answer.list(() => {
    answer.text()
    const error = answer.int16()
    answer.nullableText()
    return error
  })
}
