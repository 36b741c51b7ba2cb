import { splitOf, type KafkaPort, type TopicPartition } from '@millrace/connector-kafka/port'
import { describeError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'

/** Records are deleted so often at most, in milliseconds. */
const everyMs = 10_000

/** Deletes records that no restart reads again. Nothing waits for it, and what fails is tried again with the next checkpoint. */
export class Purge {
  readonly #port: Pick<KafkaPort, 'deleteRecords' | 'address'>
  readonly #of: TopicPartition
  readonly #context: Pick<ConnectorContext, 'clock' | 'warn' | 'name' | 'signal'>
  #deletedTo = 0
  #isDeleting = false
  #lastAt = Number.NEGATIVE_INFINITY
  #hasWarned = false

  constructor(
    port: Pick<KafkaPort, 'deleteRecords' | 'address'>,
    of: TopicPartition,
    context: Pick<ConnectorContext, 'clock' | 'warn' | 'name' | 'signal'>,
  ) {
    this.#port = port
    this.#of = of
    this.#context = context
  }

  /** No restart reads from before this offset. */
  before(offset: number): void {
    const now = this.#context.clock.monotonic()
    if (this.#isDeleting || offset <= this.#deletedTo || now - this.#lastAt < everyMs) return
    this.#isDeleting = true
    this.#lastAt = now
    this.#port.deleteRecords(this.#of, offset).then(
      () => {
        this.#isDeleting = false
        this.#deletedTo = offset
      },
      (error: unknown) => {
        this.#isDeleting = false
        this.#warn(error)
      },
    )
  }

  #warn(error: unknown): void {
    const { signal, warn, name } = this.#context
    if (this.#hasWarned || signal.aborted) return
    this.#hasWarned = true
    warn(
      `source ${name}: records of ${splitOf(this.#of)} that were read cannot be deleted on ${this.#port.address}: ${describeError(error)}; the topic grows until they are, the job continues`,
    )
  }
}
