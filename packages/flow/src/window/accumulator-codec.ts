import { MillraceError, structuredCodec, type ByteReader, type ByteWriter, type Codec } from '@millrace/core'
import type { StatePiece } from '@millrace/core/operator'
import type { Aggregate } from './aggregate.ts'

export type AnyAggregate = Aggregate<unknown, unknown, unknown>

/** An aggregate and its field in the result. */
export interface NamedAggregate {
  readonly name: string
  readonly aggregate: AnyAggregate
}

/** The fingerprint of an aggregate. */
export function aggregatePiece({ name, aggregate }: NamedAggregate): StatePiece {
  const { kind, version } = aggregate
  const codec = codecOf(aggregate)
  return { role: 'aggregate', name, kind, version, codec: codec.id, codecVersion: codec.version }
}

/** The part of a codec's id that names the format of the rest. */
const idPrefix = 'accumulators '

/**
 * Encodes the accumulators of several aggregates, each after its length. The codec's id lists the aggregates
 * in that order, so a later program finds each one by name: it skips removed ones, and creates new ones with
 * `create`.
 */
export class AccumulatorCodec implements Codec<unknown[]> {
  readonly id: string
  readonly version = 1
  readonly #aggregates: readonly NamedAggregate[]
  readonly #codecs: readonly Codec<unknown>[]

  constructor(aggregates: readonly NamedAggregate[]) {
    this.#aggregates = aggregates
    this.#codecs = aggregates.map(({ aggregate }) => codecOf(aggregate))
    this.id = idPrefix + JSON.stringify(aggregates.map(aggregatePiece).map(entryOf))
  }

  encode(accumulators: readonly unknown[], out: ByteWriter): void {
    const codecs = this.#codecs
    for (let i = 0; i < codecs.length; i++) {
      const start = out.beginSized()
      codecs[i]!.encode(accumulators[i], out)
      out.endSized(start)
    }
  }

  decode(input: ByteReader): unknown[] {
    return this.#codecs.map((codec) => {
      input.varint()
      return codec.decode(input, codec.version)
    })
  }

  reader(id: string, version: number): ((input: ByteReader) => unknown[]) | undefined {
    const stored = version === this.version ? entriesOf(id) : undefined
    if (stored === undefined) return undefined
    const places = stored.map((entry) => this.#aggregates.findIndex(({ name }) => name === entry[0]))
    if (!stored.every((entry, i) => places[i] === -1 || this.#canRead(places[i]!, entry))) return undefined
    return (input) => {
      const found = new Map<number, unknown>()
      for (const [i, [name, , , , codecVersion]] of stored.entries()) {
        const end = input.varint() + input.position
        const place = places[i]!
        if (place === -1) input.position = end
        else found.set(place, this.#codecs[place]!.decode(input, codecVersion))
        if (input.position !== end) throw damaged(name)
      }
      return this.#aggregates.map(({ aggregate }, i) => (found.has(i) ? found.get(i) : aggregate.create()))
    }
  }

  #canRead(place: number, [, kind, version, codec, codecVersion]: AccumulatorEntry): boolean {
    const own = aggregatePiece(this.#aggregates[place]!)
    return (
      own.kind === kind && own.version === version && own.codec === codec && own.codecVersion >= codecVersion
    )
  }
}

/** The entry of an aggregate in the codec's id. */
export type AccumulatorEntry = readonly [
  name: string,
  kind: string,
  version: number,
  codec: string,
  codecVersion: number,
]

function entryOf({ name, kind, version, codec, codecVersion }: StatePiece): AccumulatorEntry {
  return [name, kind, version, codec, codecVersion]
}

/** The aggregates that a codec's id names; undefined for the id of another codec. */
export function entriesOf(id: string): readonly AccumulatorEntry[] | undefined {
  if (!id.startsWith(idPrefix)) return undefined
  return JSON.parse(id.slice(idPrefix.length)) as readonly AccumulatorEntry[]
}

/** The codec for accumulators of `aggregate`. */
export function codecOf(aggregate: AnyAggregate): Codec<unknown> {
  return aggregate.codec ?? structuredCodec()
}

function damaged(name: string): MillraceError {
  return new MillraceError(
    'CODEC_FAILED',
    `the accumulator of aggregate '${name}' has another length than its codec read; use the codec that wrote it`,
  )
}
