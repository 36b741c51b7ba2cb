import type { AsyncRecord } from '../src/task/async-calls.ts'

/** A record of an asynchronous task, named by its number; the watermark is the same. */
export function asyncRecord(n: number, of: Partial<Pick<AsyncRecord, 'key' | 'group'>> = {}): AsyncRecord {
  return {
    value: n,
    time: n,
    watermark: n,
    key: undefined,
    group: undefined,
    origin: undefined,
    originIndex: -1,
    headers: undefined,
    edge: undefined,
    cell: undefined,
    attempts: 0,
    failingSince: undefined,
    ...of,
  }
}
