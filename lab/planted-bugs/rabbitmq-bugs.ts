import type { TestedBug } from './planted-bug.ts'

/** Bugs of the RabbitMQ connector and of what the engine does for it. */
export const rabbitmqBugs: readonly TestedBug[] = [
  {
    name: 'an id that comes again is not made the newest',
    plant: {
      file: 'connector-rabbitmq/src/known-ids.ts',
      from: 'const isKnown = this.#ids.delete(id)',
      to: 'const isKnown = this.#ids.has(id)',
    },
    files: ['packages/connector-rabbitmq/test/options.test.ts'],
    shows: /the newest ids are known/,
  },
  {
    name: 'the last checkpoint of a run is not acknowledged',
    plant: {
      file: 'core/src/job/local-worker.ts',
      from: 'await Promise.all(this.#tasks!.sources.map((source) => source.acknowledgeLast(checkpoint)))',
      to: '',
    },
    files: ['packages/core/test/kept-promises.test.ts'],
    shows: /acknowledges the last checkpoint of a run/,
  },
]
