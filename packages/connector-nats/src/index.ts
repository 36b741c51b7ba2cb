/** Reads and writes NATS in Millrace pipelines. */
export * as nats from './nats.ts'
export type { IfForgotten } from './committer.ts'
export type { KeyChange, KeyDeletion, KeyPut, LookUpOptions, ReadKeysOptions } from './key-value.ts'
export type { GivenHeaders, NatsHeaders } from './headers.ts'
export type { StreamMessage, StreamPosition, SubjectMessage } from './message.ts'
export type {
  ReadJsonOptions,
  ReceiveJsonOptions,
  WithFormat,
  WithSchema,
  WriteMessagesOptions,
  WriteOptions,
  WriteValuesOptions,
} from './nats.ts'
export type { NatsOptions, TlsOptions } from './options.ts'
export type { OutgoingMessage } from './outgoing.ts'
export type { StagedMessages } from './staged-messages.ts'
export type { ReadOptions } from './stream-source.ts'
export type { ReceiveOptions } from './subject-source.ts'
