/** Reads and writes RabbitMQ in Millrace pipelines. */
export * as rabbitmq from './rabbitmq.ts'
export type { HeaderValue, RabbitHeaders } from './headers.ts'
export type { Properties, QueueMessage, RabbitMessage, StreamMessage } from './message.ts'
export type { RabbitOptions, TlsOptions } from './options.ts'
export type { OutgoingMessage } from './outgoing.ts'
export type { QueuePosition } from './queue-reader.ts'
export type { StreamPosition } from './stream-reader.ts'
export type { ReadOptions } from './stream-source.ts'
export type { ReceiveOptions } from './queue-source.ts'
export type {
  ReadJsonOptions,
  ReceiveJsonOptions,
  WithFormat,
  WithSchema,
  WriteMessagesOptions,
  WriteOptions,
  WriteValuesOptions,
} from './rabbitmq.ts'
