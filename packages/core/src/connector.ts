/** For authors of sources and sinks: the contracts, batches, and JSON. */

export { decodeJson, decodeText, parseJson } from './codec/decode.ts'
export { encodeJson } from './codec/json.ts'
export { fromBase64 } from './errors/safe-json.ts'
export { JsonReader } from './codec/json-reader.ts'
export { recordMaker } from './codec/record-maker.ts'
export type { MakeRecord } from './codec/record-maker.ts'
export { JsonWriter } from './codec/json-writer.ts'
export { TextBuffer } from './codec/text-buffer.ts'
export { jsonElements } from './codec/json-scan.ts'
export { LineSplitter, withoutByteOrderMark } from './codec/line-splitter.ts'
export type { Line } from './codec/line-splitter.ts'
export type { Batch, Element, Origin } from './record/element.ts'
export { readBatch, writeBatch } from './exchange/batch-bytes.ts'
export type { OriginDetail } from './exchange/batch-bytes.ts'
export { subtaskOfRecord } from './exchange/exchange.ts'
export { subtaskOfSplit } from './record/key-group.ts'
export { MAX_TIME, MIN_TIME } from './record/time.ts'
export { WatermarkMerger } from './time/watermark-merger.ts'
export type { InputProgress } from './time/watermark-merger.ts'
export { headerColumn, headersWithout, headerValue } from './record/headers.ts'
export type { HeaderColumn } from './record/headers.ts'
export type { SplitLag } from './record/split-lag.ts'
export type { ChangeSink, RejectRecord, Sink, SinkProgress, SinkWriter } from './connect/sink.ts'
export type {
  ClosedSplit,
  ConnectorContext,
  JobStart,
  DecodeFailure,
  Discovery,
  Poll,
  RecordStamps,
  Source,
  SplitProgress,
  SplitReader,
} from './connect/source.ts'
export { ServerConnector, ServerLink } from './connect/server-link.ts'
export type { LinkContext, Server } from './connect/server-link.ts'
export { LatestAnswer } from './connect/latest-answer.ts'
export { decodedPoll } from './connect/decoded-poll.ts'
export type { Decoding } from './connect/decoded-poll.ts'
export { parserOf } from './connect/schema.ts'
export type { Schema, SchemaIssue, SchemaResult, StandardSchema } from './connect/schema.ts'
export { beginsWith, readAs } from './connect/format.ts'
export type { Format, FormatContext } from './connect/format.ts'
