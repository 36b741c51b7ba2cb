import type { TestedBug } from './planted-bug.ts'

/** Bugs of the Kafka connector, which its tests against a cluster in memory must find. */
export const kafkaBugs: readonly TestedBug[] = [
  {
    name: 'an answer that was lost makes the Kafka sink write records twice',
    plant: {
      file: 'connector-kafka/src/committer.ts',
      from: 'if ((producer.mark ?? -1) >= checkpoint) return',
      to: '',
    },
    files: ['packages/connector-kafka/test/transaction-sink.test.ts'],
    shows: /EN-227/,
  },
  {
    name: 'a staged file of the Kafka sink is not synced',
    plant: {
      file: 'segment-log/src/block-file.ts',
      from: 'await this.#file?.sync()',
      to: '',
    },
    files: ['packages/connector-kafka/test/transaction-sink.test.ts'],
    shows: /power loss/,
  },
  {
    name: 'the name of a staged file of the Kafka sink is not synced',
    plant: {
      file: 'segment-log/src/block-file.ts',
      from: 'await this.#fs.syncDirectory(this.#directory)',
      to: '',
    },
    files: ['packages/connector-kafka/test/transaction-sink.test.ts'],
    shows: /power loss/,
  },
  {
    name: 'the Kafka sink keeps a file whose records are committed',
    plant: {
      file: 'connector-kafka/src/committer.ts',
      from: 'if (staged.file !== null) await removeIfThere(fs, `${directory}/${staged.file}`)',
      to: '',
    },
    files: ['packages/connector-kafka/test/transaction-sink.test.ts'],
    shows: /stopped for so long/,
  },
  {
    name: 'a Kafka job that was restored from an older copy writes nothing for a while',
    plant: {
      file: 'connector-kafka/src/transaction-sink.ts',
      from: 'await committer.reset(checkpoint - 1)',
      to: '',
    },
    files: ['packages/connector-kafka/test/transaction-sink.test.ts'],
    shows: /older copy/,
  },
  {
    name: 'offsets without records are read again',
    plant: {
      file: 'connector-kafka/src/topic-reader.ts',
      from: 'this.#deliveredUpTo = Math.max(this.#deliveredUpTo, Math.min(offset, this.#parts.end ?? Infinity))',
      to: '',
    },
    files: ['packages/connector-kafka/test/topic-source.test.ts'],
    shows: /come alone/,
  },
  {
    name: 'a partition that was added later is read from its end',
    plant: {
      file: 'connector-kafka/src/topic-source.ts',
      from: '      first\n    const start',
      to: '      end\n    const start',
    },
    files: ['packages/connector-kafka/test/topic-source.test.ts'],
    shows: /added later/,
  },
  {
    name: '`latest` means another moment after a restart',
    plant: {
      file: 'connector-kafka/src/start.ts',
      from: 'await publishFile(context.fs, context.directory, fileName, bytes, context.owner)',
      to: '',
    },
    files: ['packages/connector-kafka/test/topic-source.test.ts'],
    shows: /moment of the first start/,
  },
  {
    name: 'deleted records of Kafka are taken for a gap',
    plant: {
      file: 'connector-kafka/src/topic-source.ts',
      from: 'if (offset < first) {',
      to: 'if (offset < 0) {',
    },
    files: ['packages/connector-kafka/test/topic-source.test.ts'],
    shows: /deleted records/,
  },
  {
    name: 'the Kafka sink without transactions does not wait for brokers',
    plant: {
      file: 'connector-kafka/src/plain-sink.ts',
      from: 'await this.#named(() => this.#producer.flush())',
      to: '',
    },
    files: ['packages/connector-kafka/test/transaction-sink.test.ts'],
    shows: /EN-225/,
  },
  {
    name: 'the writer of Kafka reads a mark that a transaction may still change',
    plant: {
      file: 'connector-kafka/src/wire/write-request.ts',
      from: 'out.boolean(true)\n      out.noTags()',
      to: 'out.boolean(false)\n      out.noTags()',
    },
    files: ['packages/connector-kafka/test/wire-writing.test.ts'],
    shows: /transaction before is completed/,
  },
  {
    name: 'the writer of Kafka commits records without their mark',
    plant: {
      file: 'connector-kafka/src/wire/wire-transactions.ts',
      from: 'offsetInTransactionRequest(producer, group, { topic, partition: 0, offset: mark })',
      to: 'offsetInTransactionRequest(producer, group, { topic, partition: 0, offset: mark - 1 })',
    },
    files: ['packages/connector-kafka/test/wire-writing.test.ts'],
    shows: /the mark at once/,
  },
  {
    name: 'the writer of Kafka uses a producer again after a transaction whose outcome it does not know',
    plant: {
      file: 'connector-kafka/src/wire/wire-atomic.ts',
      from: '    this.#isUsed = true\n    const {',
      to: '    const {',
    },
    files: ['packages/connector-kafka/test/wire-writing.test.ts'],
    shows: /begins anew/,
  },
  {
    name: 'the writer of Kafka sends a batch again that the broker says is there',
    plant: {
      file: 'connector-kafka/src/wire/wire-producer.ts',
      from: 'if (failure === undefined || failure.code === codes.duplicate) {',
      to: 'if (failure === undefined) {',
    },
    files: ['packages/connector-kafka/test/wire-writing.test.ts'],
    shows: /the broker has it once/,
  },
  {
    name: 'the writer of Kafka says that everything is stored while a part is on its way',
    plant: {
      file: 'connector-kafka/src/wire/wire-producer.ts',
      from: 'await this.#until(() => this.isIdle)',
      to: '',
    },
    files: ['packages/connector-kafka/test/wire-writing.test.ts'],
    shows: /in order, and says when/,
  },
  {
    name: 'the Kafka sink puts a key into another partition than Java',
    plant: {
      file: 'connector-kafka/src/partitioner.ts',
      from: '(murmur2(key) & 0x7fffffff)',
      to: '(murmur2(key) >>> 0)',
    },
    files: ['packages/connector-kafka/test/batch-encoder.test.ts'],
    shows: /as Java does/,
  },
  {
    name: 'the reader of Kafka takes the second transaction of a producer for a committed one',
    plant: {
      file: 'connector-kafka/src/wire/aborted.ts',
      from: 'this.#aborting.add(producer)',
      to: 'if (this.#begun === 0) this.#aborting.add(producer)',
    },
    files: ['packages/connector-kafka/test/record-batch.test.ts'],
    shows: /two of one producer/,
  },
  {
    name: 'the reader of Kafka leaves out what a producer writes after an aborted transaction',
    plant: {
      file: 'connector-kafka/src/wire/aborted.ts',
      from: 'if (batch.isControl && isAbortMark(batch)) this.#aborting.delete(batch.producer)',
      to: '',
    },
    files: ['packages/connector-kafka/test/wire-cluster.test.ts'],
    shows: /sees nothing of a transaction/,
  },
  {
    name: 'the reader of Kafka delivers the beginning of a batch again',
    plant: {
      file: 'connector-kafka/src/wire/record-batch.ts',
      from: 'if (offset < from) continue',
      to: '',
    },
    files: ['packages/connector-kafka/test/wire-cluster.test.ts'],
    shows: /in the middle of a batch/,
  },
  {
    name: 'the reader of Kafka does not compare checksums',
    plant: {
      file: 'connector-kafka/src/wire/record-batch.ts',
      from: 'if (crc32c(bytes, summedFrom) !== view.getUint32(17)) {',
      to: 'if (bytes.length === 0) {',
    },
    files: ['packages/connector-kafka/test/record-batch.test.ts'],
    shows: /checksum/,
  },
  {
    name: 'the reader of Kafka decodes what a paused partition holds',
    plant: {
      file: 'connector-kafka/src/wire/partition-feed.ts',
      from: 'while (this.#waiting !== undefined && !this.#isPaused) this.#step(this.#waiting)',
      to: 'while (this.#waiting !== undefined) this.#step(this.#waiting)',
    },
    files: ['packages/connector-kafka/test/wire-cluster.test.ts'],
    shows: /paused partition/,
  },
]
