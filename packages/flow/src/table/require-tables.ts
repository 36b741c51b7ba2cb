import { MillraceError } from '@millrace/core'
import { TableHandle } from './table-handle.ts'

/** For untyped callers: throws `GRAPH_INVALID` unless all values are tables of one pipeline and alike in event time. */
export function requireTables(method: string, given: readonly unknown[]): readonly TableHandle[] {
  const tables = given.filter((table) => table instanceof TableHandle)
  if (tables.length < given.length) {
    throw new MillraceError(
      'GRAPH_INVALID',
      `${method} needs tables; make one of a keyed stream with toTable(name)`,
    )
  }
  const [first, ...others] = tables
  first!.stream.requireSamePipeline(
    method,
    others.map(({ stream }) => stream),
  )
  if (others.some(({ timing }) => timing !== first!.timing)) {
    throw new MillraceError(
      'GRAPH_INVALID',
      `${method} was given a table with event time and one without; call withTimestamps on the streams of both`,
    )
  }
  return tables
}
