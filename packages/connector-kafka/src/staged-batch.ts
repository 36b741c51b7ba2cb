import { MillraceError, type ByteReader, type ByteWriter } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import type { PackedBatch } from './record.ts'

/** Writes a batch into a staged file. */
export function encodeBatch(out: ByteWriter, { topic, partition, count, bytes }: PackedBatch): void {
  out.text(topic)
  out.varint(partition)
  out.varint(count)
  out.blob(bytes)
}

/** Reads a batch that `encodeBatch` wrote. */
export function decodeBatch(reader: ByteReader): PackedBatch {
  return {
    topic: reader.text(),
    partition: reader.varint(),
    count: reader.varint(),
    bytes: reader.blob(),
  }
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
