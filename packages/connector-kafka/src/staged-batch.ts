import { MillraceError, type ByteReader, type ByteWriter } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import type { KafkaHeader, ReadyRecord } from './record.ts'

/** Writes a record into a staged file. */
export function encodeRecord(
  out: ByteWriter,
  { topic, partition, key, value, headers, timestamp }: ReadyRecord,
): void {
  out.text(topic)
  out.varint(partition + 1)
  out.float64(timestamp)
  encodeBytes(out, key)
  encodeBytes(out, value)
  out.varint(headers.length)
  for (const [name, content] of headers) {
    out.text(name)
    out.blob(content)
  }
}

function encodeBytes(out: ByteWriter, bytes: Uint8Array | null): void {
  out.byte(bytes === null ? 0 : 1)
  if (bytes !== null) out.blob(bytes)
}

/** Reads a record that `encodeRecord` wrote. */
export function decodeRecord(reader: ByteReader): ReadyRecord {
  const bytes = (): Uint8Array | null => (reader.byte() === 0 ? null : reader.blob())
  const topic = reader.text()
  const partition = reader.varint() - 1
  const timestamp = reader.float64()
  const key = bytes()
  const value = bytes()
  const headers: KafkaHeader[] = []
  for (let left = reader.varint(); left > 0; left--) headers.push([reader.text(), reader.blob()])
  return { topic, partition, key, value, headers, timestamp }
}

/** Whether a file is there. */
export async function isThere(fs: Fs, path: string): Promise<boolean> {
  return (await fs.stat(path)) !== undefined
}

/** The error for a staged file that should be there. */
export function missingFile(what: string, path: string, checkpoint: number): MillraceError {
  const message = `${what}: the records of checkpoint ${checkpoint} are not in ${path}, and Kafka does not have them either; was a part of the data directory removed or not copied? Restore it, or start with another data directory`
  return new MillraceError('SINK_FAILED', message, { isFinal: true })
}
