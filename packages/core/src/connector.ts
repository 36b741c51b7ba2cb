/** For authors of sources and sinks: the contracts, batches, and JSON. */

export { decodeJson, decodeText, parseJson } from './codec/decode.ts'
export { encodeJson } from './codec/json.ts'
export { fromBase64 } from './errors/safe-json.ts'
export { jsonElements } from './codec/json-scan.ts'
export { LineSplitter, withoutByteOrderMark } from './codec/line-splitter.ts'
export type { Line } from './codec/line-splitter.ts'
export type { Batch, Element, Origin } from './record/element.ts'
export type { ChangeSink, RejectRecord, Sink, SinkWriter } from './connect/sink.ts'
export type {
  ClosedSplit,
  ConnectorContext,
  DecodeFailure,
  Discovery,
  Poll,
  Source,
  SplitReader,
} from './connect/source.ts'
export { parserOf } from './connect/schema.ts'
export type { Schema, SchemaIssue, SchemaResult, StandardSchema } from './connect/schema.ts'
