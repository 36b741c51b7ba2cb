import { readToken } from '@millrace/core/store'
import type { ByteReader } from '@millrace/core'
import type { KeyToken } from '@millrace/core/store'
import { corrupt } from '@millrace/segment-log'
import { recordKind, sameOuterFlag } from './record-block.ts'
import type { RecordBlock } from './record-block.ts'

/**
 * Iterates over the records of a block from the last to the first.
 *
 * A record's position and `seq` depend on earlier records, so a first forward pass notes them without reading
 * tokens and values. One instance serves many blocks, one after the other.
 */
export class RecordScan {
  /** Of the current record. */
  kind: 'value' | 'tombstone' | 'drop' = 'value'
  seq = 0
  /** Only for a value. */
  group = 0

  #input!: ByteReader
  #index = 0
  #starts = new Uint32Array(0)
  #seqs = new Float64Array(0)
  #kinds = new Uint8Array(0)
  #groups = new Uint32Array(0)
  /** Where each record's outer token is: its own, or that of an earlier record. */
  #outers = new Uint32Array(0)
  /** Where its own tokens start: the outer one if it has one, otherwise the inner one. */
  #tokens = new Uint32Array(0)

  // The outer token that was read last, because most records have the same.
  #outer: KeyToken = null
  #outerAt = -1
  #outerEnd = -1

  /** Where the current record ends, which is where its value ends. */
  get end(): number {
    return this.#starts[this.#index + 1]!
  }

  /** Length of the current record. */
  get bytes(): number {
    return this.end - this.#starts[this.#index]!
  }

  /** Moves after the last record of `block`. */
  start(block: RecordBlock): void {
    const { input, recordCount } = block
    this.#makeRoom(recordCount)
    this.#input = input
    this.#index = recordCount
    this.#outerAt = -1
    let seq = 0
    let outerAt = 0
    for (let i = 0; i < recordCount; i++) {
      this.#starts[i] = input.position
      const length = input.varint()
      const end = input.position + length
      const kind = input.byte()
      const step = input.varint()
      seq += step % 2 === 0 ? step / 2 : -(step + 1) / 2
      if (kind === recordKind.value || kind === recordKind.value + sameOuterFlag)
        this.#groups[i] = input.varint()
      if (kind === recordKind.value) outerAt = input.position
      this.#kinds[i] = kind
      this.#seqs[i] = seq
      this.#tokens[i] = input.position
      this.#outers[i] = kind === recordKind.drop ? input.position : outerAt
      if (kind > recordKind.value + sameOuterFlag || end < input.position || end > input.end) {
        throw corrupt(block.place, `record ${i} is not one`)
      }
      input.position = end
    }
    this.#starts[recordCount] = input.position
    if (input.remaining > 0) throw corrupt(block.place, 'it is longer than its records')
  }

  /** Moves to the previous record; false if there is none. */
  next(): boolean {
    if (this.#index === 0) return false
    const index = --this.#index
    this.seq = this.#seqs[index]!
    this.group = this.#groups[index]!
    const kind = this.#kinds[index]
    this.kind = kind === recordKind.tombstone ? 'tombstone' : kind === recordKind.drop ? 'drop' : 'value'
    return true
  }

  /** The outer token of a value or drop. */
  outer(): KeyToken {
    const at = this.#outers[this.#index]!
    if (at !== this.#outerAt) {
      this.#input.position = at
      this.#outer = readToken(this.#input)
      this.#outerAt = at
      this.#outerEnd = this.#input.position
    }
    return this.#outer
  }

  /** The inner token of a value, after `outer` was called; the block's input is then at the value. */
  inner(): KeyToken {
    const at = this.#tokens[this.#index]!
    this.#input.position = at === this.#outerAt ? this.#outerEnd : at
    return readToken(this.#input)
  }

  #makeRoom(recordCount: number): void {
    if (this.#seqs.length >= recordCount) return
    const room = 2 * recordCount
    this.#starts = new Uint32Array(room + 1)
    this.#seqs = new Float64Array(room)
    this.#kinds = new Uint8Array(room)
    this.#groups = new Uint32Array(room)
    this.#outers = new Uint32Array(room)
    this.#tokens = new Uint32Array(room)
  }
}
