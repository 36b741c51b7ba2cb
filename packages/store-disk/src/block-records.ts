import { ByteReader, MillraceError } from '@millrace/core'
import { readToken, type KeyToken } from '@millrace/core/store'
import { corrupt, type StoredBlock } from '@millrace/segment-log'
import { bytesHash, outerSeed } from './token-hash.ts'
import { recordKind, recordsOf, sameOuterFlag, type BlockOrigin } from '@millrace/store-memory/segments'

/** The tags of tokens: see `writeToken`. */
const lastTagAlone = 2
const lastTagVarint = 4
const floatTag = 5
const lastTag = 7

/** The records of a block, found without decoding a token or a value. */
export class BlockRecords {
  readonly origin: BlockOrigin
  readonly place: string
  readonly count: number
  readonly length: number
  readonly bytes: Uint8Array
  readonly #input: ByteReader
  /** Of each record: where it starts, and where its outer token, its inner token and its value do. */
  readonly #starts: number[] = []
  readonly #outers: number[] = []
  readonly #outerEnds: number[] = []
  readonly #inners: number[] = []
  readonly #values: number[] = []
  readonly #seqs: number[] = []
  readonly #kinds: number[] = []
  readonly #groups: number[] = []

  /** `length` is that of the whole block. */
  constructor(block: StoredBlock, place: string, length: number) {
    const { origin, input, recordCount } = recordsOf(block, place)
    this.origin = origin
    this.place = place
    this.count = recordCount
    this.length = length
    this.bytes = input.bytes
    this.#input = input
    this.#scan()
  }

  isValue(record: number): boolean {
    return this.#kinds[record] === recordKind.value
  }

  isDrop(record: number): boolean {
    return this.#kinds[record] === recordKind.drop
  }

  seq(record: number): number {
    return this.#seqs[record]!
  }

  group(record: number): number {
    return this.#groups[record]!
  }

  /** The length of a record. */
  size(record: number): number {
    return this.#starts[record + 1]! - this.#starts[record]!
  }

  /** Where the outer token of a value or a drop is, and where it ends. */
  outerStart(record: number): number {
    return this.#outers[record]!
  }

  outerEnd(record: number): number {
    return this.#outerEnds[record]!
  }

  innerStart(record: number): number {
    return this.#inners[record]!
  }

  innerEnd(record: number): number {
    return this.#values[record]!
  }

  outerHash(record: number): number {
    return bytesHash(this.bytes, this.#outers[record]!, this.#outerEnds[record]!, outerSeed)
  }

  /** The hash of both tokens of a value. */
  hash(record: number): number {
    return bytesHash(this.bytes, this.#inners[record]!, this.#values[record]!, this.outerHash(record))
  }

  outer(record: number): KeyToken {
    this.#input.position = this.#outers[record]!
    return readToken(this.#input)
  }

  inner(record: number): KeyToken {
    this.#input.position = this.#inners[record]!
    return readToken(this.#input)
  }

  /** The bytes of a value. */
  valueBytes(record: number): Uint8Array {
    return this.bytes.subarray(this.#values[record], this.#starts[record + 1])
  }

  /** A reader of the value, and only of it. */
  value(record: number): ByteReader {
    return new ByteReader(this.bytes, this.#values[record], this.#starts[record + 1])
  }

  #scan(): void {
    const input = this.#input
    let seq = 0
    let [outer, outerEnd] = [0, 0]
    for (let record = 0; record < this.count; record++) {
      this.#starts.push(input.position)
      const length = input.varint()
      const end = input.position + length
      const stored = input.byte()
      const step = input.varint()
      seq += step % 2 === 0 ? step / 2 : -(step + 1) / 2
      const isSame = stored === recordKind.value + sameOuterFlag
      const kind = isSame ? recordKind.value : stored
      const hasGroup = kind === recordKind.value
      this.#groups.push(hasGroup ? input.varint() : 0)
      let [ownOuter, ownEnd] = [outer, outerEnd]
      if (!isSame && kind !== recordKind.tombstone) {
        ownOuter = input.position
        this.#skipToken()
        ownEnd = input.position
      }
      if (hasGroup) [outer, outerEnd] = [ownOuter, ownEnd]
      this.#outers.push(ownOuter)
      this.#outerEnds.push(ownEnd)
      this.#inners.push(input.position)
      if (hasGroup) this.#skipToken()
      this.#values.push(input.position)
      this.#seqs.push(seq)
      this.#kinds.push(kind)
      if (kind > recordKind.drop || end < input.position || end > input.end) {
        throw corrupt(this.place, `record ${record} is not one`)
      }
      input.position = end
    }
    this.#starts.push(input.position)
    if (input.remaining > 0) throw corrupt(this.place, 'it is longer than its records')
  }

  #skipToken(): void {
    const input = this.#input
    const tag = input.byte()
    if (tag <= lastTagAlone) return
    if (tag <= lastTagVarint) input.varint()
    else if (tag === floatTag) input.position += 8
    else if (tag <= lastTag) {
      const length = input.varint()
      input.position += length
    } else throw new MillraceError('CHECKPOINT_CORRUPT', `${this.place}: a key has the unknown tag ${tag}`)
  }
}
