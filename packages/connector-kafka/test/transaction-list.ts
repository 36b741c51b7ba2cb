import { once } from 'node:events'
import { connect } from 'node:net'
import { Cursor } from '../src/wire/cursor.ts'
import { WireWriter } from '../src/wire/wire-writer.ts'

/** The number of the request `ListTransactions`, which a broker answers since Kafka 3.0. */
const listTransactions = 66

/** How many transactions of a broker are in one of these states, such as `Ongoing`. */
export async function transactionsIn(brokers: string, states: readonly string[]): Promise<number> {
  const [host, port] = brokers.split(',')[0]!.split(':')
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    socket.write(framed(states))
    let answer = Buffer.alloc(0)
    for await (const part of socket) {
      answer = Buffer.concat([answer, part as Buffer])
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) return countIn(answer)
    }
    throw new Error(`the broker ${brokers} closed the connection instead of listing its transactions`)
  } finally {
    socket.destroy()
  }
}

function framed(states: readonly string[]): Buffer {
  const out = new WireWriter()
  out.int16(listTransactions)
  out.int16(0)
  out.int32(1)
  out.text('test')
  out.int8(0)
  // Lengths in the newer requests are one higher, and small ones have one byte.
  out.int8(states.length + 1)
  for (const state of states) {
    out.int8(state.length + 1)
    for (const byte of Buffer.from(state)) out.int8(byte)
  }
  // No producers are named, and no tags.
  out.int8(1)
  out.int8(0)
  const request = out.finish()
  const length = Buffer.alloc(4)
  length.writeInt32BE(request.length)
  return Buffer.concat([length, request])
}

function countIn(answer: Buffer): number {
  const fields = new Cursor(answer.subarray(4))
  fields.int32()
  fields.int8()
  fields.int32()
  const error = fields.int16()
  // The coordinator may still be loading after a restart.
  if (error !== 0) return 1
  if (fields.int8() !== 1) throw new Error('the broker does not know a state of transactions')
  return fields.int8() - 1
}
