import { ByteReader, type ByteWriter } from '../codec/bytes.ts'
import { structuredCodec } from '../codec/structured-codec.ts'
import type { Batch, Origin } from '../record/element.ts'
import type { HeaderColumn, RecordHeaders } from '../record/headers.ts'

const codec = structuredCodec<unknown>()

const none = 0
const all = 1
const each = 2
/** In a list of headers: those of the record before. */
const same = 3

/** How much of the origin of records crosses to another worker or machine. */
export type OriginDetail =
  /** The places of the first and the last record: enough for the message of an error that ends the job. */
  | 'range'
  /** What a dead letter contains: place, bytes and redrives of each record. */
  | 'full'

/** Writes a batch of records. Throws `CODEC_FAILED` for a record that is not plain data. */
export function writeBatch(batch: Batch, detail: OriginDetail, out: ByteWriter): void {
  const { length, values, times, watermarks } = batch
  out.varint(length)
  writeNumbers(times, length, out)
  writeNumbers(watermarks, length, out)
  writeOrigin(batch, detail, out)
  writeHeaders(batch, out)
  for (let i = 0; i < length; i++) codec.encode(values[i], out)
}

/** Reads what `writeBatch` wrote. */
export function readBatch(input: ByteReader): Batch {
  const length = input.varint()
  const times = readNumbers(length, input)
  const watermarks = readNumbers(length, input)
  const { origin, originIndex } = readOrigin(length, input)
  const headers = readHeaders(length, input)
  const values = Array.from({ length }, (): unknown => undefined)
  for (let i = 0; i < length; i++) values[i] = codec.decode(input, codec.version)
  return { length, values, times, watermarks, origin, originIndex, headers }
}

/** Most batches have one watermark, and streams without timestamps one time, which is `NaN`. */
function writeNumbers(numbers: Float64Array, length: number, out: ByteWriter): void {
  const first = numbers[0]!
  let isOne = true
  for (let i = 1; i < length && isOne; i++) isOne = Object.is(numbers[i], first)
  out.byte(isOne ? all : each)
  if (isOne) out.float64(first)
  else for (let i = 0; i < length; i++) out.float64(numbers[i]!)
}

function readNumbers(length: number, input: ByteReader): Float64Array {
  const numbers = new Float64Array(length)
  if (input.byte() === all) return numbers.fill(input.float64())
  for (let i = 0; i < length; i++) numbers[i] = input.float64()
  return numbers
}

/** Records that were made of one record have the same headers, which are written once. */
function writeHeaders({ length, headers }: Batch, out: ByteWriter): void {
  if (headers === undefined) return out.byte(none)
  out.byte(each)
  let before: RecordHeaders | undefined
  for (let i = 0; i < length; i++) {
    const own = headers[i]
    out.byte(own === undefined ? none : own === before ? same : all)
    if (own !== undefined && own !== before) codec.encode(own, out)
    before = own
  }
}

function readHeaders(length: number, input: ByteReader): HeaderColumn | undefined {
  if (input.byte() === none) return undefined
  let before: RecordHeaders | undefined
  return Array.from({ length }, () => {
    const what = input.byte()
    if (what === none) before = undefined
    else if (what === all) before = codec.decode(input, codec.version) as RecordHeaders
    return before
  })
}

function writeOrigin({ length, origin, originIndex }: Batch, detail: OriginDetail, out: ByteWriter): void {
  if (origin === undefined) return out.byte(none)
  const indexOf = (i: number): number => (originIndex === undefined ? i : originIndex[i]!)
  out.byte(detail === 'full' ? each : all)
  for (const text of [origin.source, origin.split, origin.splitLabel ?? origin.split]) out.text(text)
  let [first, last] = [-1, -1]
  for (let i = 0; i < length; i++) {
    const index = indexOf(i)
    out.byte(index < 0 ? 0 : 1)
    if (index < 0) continue
    if (first < 0) first = index
    last = index
    if (detail === 'full') writeRecord(origin, index, out)
  }
  if (detail === 'full') return
  const from = first < 0 ? '' : origin.place(first)
  const to = last < 0 ? '' : origin.place(last)
  out.text(from === to ? from : `between ${from} and ${to}`)
}

function writeRecord(origin: Origin, index: number, out: ByteWriter): void {
  const raw = origin.raw(index)
  out.text(origin.place(index))
  out.byte(raw === undefined ? none : all)
  if (raw !== undefined) out.blob(raw)
  out.varint(origin.redrives?.(index) ?? 0)
}

interface OriginRecord {
  readonly place: string
  readonly raw: Uint8Array | undefined
  readonly redrives: number
}

const unknownRecord: OriginRecord = { place: '', raw: undefined, redrives: 0 }

function readOrigin(length: number, input: ByteReader): Pick<Batch, 'origin' | 'originIndex'> {
  const kind = input.byte()
  if (kind === none) return { origin: undefined, originIndex: undefined }
  const [source, split, splitLabel] = [input.text(), input.text(), input.text()]
  const originIndex = new Int32Array(length)
  const records: OriginRecord[] = []
  for (let i = 0; i < length; i++) {
    const isKnown = input.byte() === 1
    originIndex[i] = isKnown ? i : -1
    if (kind === each) records.push(isKnown ? readRecord(input) : unknownRecord)
  }
  const range = kind === each ? '' : input.text()
  const origin = {
    source,
    split,
    splitLabel,
    place: (index: number) => records[index]?.place ?? range,
    raw: (index: number) => records[index]?.raw,
    redrives: (index: number) => records[index]?.redrives ?? 0,
  }
  return { origin, originIndex }
}

function readRecord(input: ByteReader): OriginRecord {
  const place = input.text()
  const raw = input.byte() === none ? undefined : input.blob().slice()
  return { place, raw, redrives: input.varint() }
}
