/** What a benchmark needs to call a connector without a job. */
import type { Batch, ConnectorContext } from '@millrace/core/connector'
import { nodePlatform } from '@millrace/node'

/** The context of a connector that keeps its data in a directory. */
export function contextIn(directory: string, isBounded: boolean): ConnectorContext {
  const { clock, random, fs } = nodePlatform()
  return {
    name: 'bench',
    clock,
    random,
    fs,
    directory,
    owner: { job: directory, epoch: 1, confirm: async () => {} },
    isBounded,
    start: { kind: 'first', checkpoint: undefined },
    signal: new AbortController().signal,
    warn: (message) => console.error(message),
    down: () => {},
    trying: () => {},
    up: () => {},
  }
}

/** A batch of records without times. */
export function batchOf<T>(values: readonly T[]): Batch<T> {
  const times = new Float64Array(values.length)
  const none = { origin: undefined, originIndex: undefined }
  return { length: values.length, values, times, watermarks: times, ...none }
}
