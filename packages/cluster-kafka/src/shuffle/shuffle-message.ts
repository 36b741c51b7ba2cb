import { ByteReader, MillraceError, type ByteWriter, type EventTime } from '@millrace/core'
import { readBatch, writeBatch, type Batch, type OriginDetail } from '@millrace/core/connector'

/** Whether a sender has records, none for now, or none any more. */
export type SenderPhase = 'active' | 'idle' | 'ended'

/** What one lease tells another: the value of a record in a topic of a shuffle. */
export type ShuffleMessage = {
  /** The number of the lease that has written it. */
  readonly sender: number
  /** How far that lease is in event time; for a batch the watermark of its first record. */
  readonly watermark: EventTime
} & ({ readonly kind: 'batch'; readonly body: ByteReader } | { readonly kind: SenderPhase })

const version = 1
const kinds = ['batch', 'active', 'idle', 'ended'] as const

/** Writes records for one lease. */
export function writeRecords(sender: number, batch: Batch, detail: OriginDetail, out: ByteWriter): void {
  writeHead('batch', sender, batch.watermarks[0]!, out)
  writeBatch(batch, detail, out)
}

/** Writes how far a lease is. */
export function writeProgress(
  sender: number,
  phase: SenderPhase,
  watermark: EventTime,
  out: ByteWriter,
): void {
  writeHead(phase, sender, watermark, out)
}

/** Reads the head of a message. Throws `SOURCE_FAILED` if a later version has written it. */
export function readMessage(bytes: Uint8Array): ShuffleMessage {
  const body = new ByteReader(bytes)
  const written = body.byte()
  if (written !== version) {
    throw new MillraceError(
      'SOURCE_FAILED',
      `a record of a shuffle has format ${written}, and this program reads ${version}: a newer version of Millrace runs in another worker; run the same version everywhere`,
      { isFinal: true },
    )
  }
  const kind = kinds[body.byte()]!
  const head = { sender: body.varint(), watermark: body.float64() }
  return kind === 'batch' ? { ...head, kind, body } : { ...head, kind }
}

/** Reads the records of a message. */
export function readRecords({ body }: { readonly body: ByteReader }): Batch {
  return readBatch(body)
}

function writeHead(
  kind: (typeof kinds)[number],
  sender: number,
  watermark: EventTime,
  out: ByteWriter,
): void {
  out.byte(version)
  out.byte(kinds.indexOf(kind))
  out.varint(sender)
  out.float64(watermark)
}
