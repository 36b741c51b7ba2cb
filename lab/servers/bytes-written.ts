/** How many bytes a sink says it has made of records, on a real server. */
import type { Batch, Sink } from '@millrace/core/connector'
import { contextOf } from './job-on-disk.ts'

export async function bytesWritten<T>(sink: Sink<T>, values: readonly T[]): Promise<number | undefined> {
  const writer = await sink.open(0, [], await contextOf('out'))
  try {
    await writer.write({ values, length: values.length } as Batch<T>, (_index, error) => {
      throw error
    })
    await writer.prepare(1)
    return writer.bytesWritten
  } finally {
    await writer.close()
  }
}
