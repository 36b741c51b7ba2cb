import type { TestedBug } from './planted-bug.ts'

/** Bugs of the HTTP connector's clients and of its servers that broadcast, which their tests must find. */
export const httpBugs: readonly TestedBug[] = [
  {
    name: 'records of one place are sent with one key',
    plant: {
      file: 'connector-http/src/send/record-ids.ts',
      from: 'place === this.#place ? this.#number + 1 : 0',
      to: '0',
    },
    files: ['packages/connector-http/test/send.test.ts'],
    shows: /a key of its own for each of several records/,
  },
  {
    name: 'a refused batch rejects all its records',
    plant: {
      file: 'connector-http/src/send/delivery.ts',
      from: 'request.length > 1 && perRecordStatuses.has(refusal.status)',
      to: 'false',
    },
    files: ['packages/connector-http/test/send.test.ts'],
    shows: /refuses one record of a batch/,
  },
  {
    name: 'a redirect to another origin gets the records',
    plant: {
      file: 'connector-http/src/client/http-client.ts',
      from: 'if (isOther && !exchange.mayLeaveOrigin)',
      to: 'if (false)',
    },
    files: ['packages/connector-http/test/hostile-receiver.test.ts'],
    shows: /to another origin is not followed/,
  },
  {
    name: 'an answer that has changed is continued where the other one was',
    plant: {
      file: 'connector-http/src/poll/page-fetcher.ts',
      from: 'const skip = isOther ||',
      to: 'const skip =',
    },
    files: ['packages/connector-http/test/poll.test.ts'],
    shows: /begun again if it has changed/,
  },
  {
    name: 'a slow client of a broadcast is waited for without a limit',
    plant: {
      file: 'connector-http/src/serve/hub.ts',
      from: 'subscriber.waitedMs += waitedMs',
      to: '',
    },
    files: ['packages/connector-http/test/broadcast.test.ts'],
    shows: /slowAfter in all/,
  },
  {
    name: 'a reader of a format forgets the message that waits for its schema',
    plant: {
      file: 'core/src/connect/format.ts',
      from: 'return this.#held?.position ?? this.#inner.position()',
      to: 'return this.#inner.position()',
    },
    files: ['packages/core/src/connect/format.test.ts'],
    shows: /position/,
  },
  {
    name: 'Avro follows records that are nested without a limit',
    plant: {
      file: 'format-avro/src/check-bytes.ts',
      from: 'depth > depthMax',
      to: 'false',
    },
    files: ['packages/format-avro/test/avro.test.ts'],
    shows: /a few bytes announce/,
  },
]
