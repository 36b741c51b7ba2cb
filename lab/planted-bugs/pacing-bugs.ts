import type { TestedBug } from './planted-bug.ts'

const files = ['packages/flow/src/pacing/pacing.property.test.ts']

/** Mistakes in operators that gather records, hold them back or thin them out. */
export const pacingBugs: readonly TestedBug[] = [
  {
    name: 'a throttle makes up for periods that the clock has skipped',
    plant: {
      file: 'flow/src/pacing/throttle.ts',
      from: 'const start = Math.max(time, this.#context.now())',
      to: 'const start = time',
    },
    files,
    shows: /throttle lets as many records pass/,
  },
  {
    name: 'a delayed record that has waited for another stays behind',
    plant: {
      file: 'flow/src/pacing/delay.ts',
      from: 'next.due <= time',
      to: 'next.due === time',
    },
    files,
    shows: /delay emits each record when it and those before it are due/,
  },
  {
    name: 'by event time an early record supersedes one that came too soon',
    plant: {
      file: 'flow/src/pacing/sample.ts',
      from: "if (this.#clock === 'processing') this.#supersede()",
      to: 'this.#supersede()',
    },
    files,
    shows: /debounce emits the last record at each time/,
  },
  {
    name: 'sample emits the last of so many records',
    plant: {
      file: 'flow/src/pacing/sample.ts',
      from: 'if (seen === 0) out.emit(value)',
      to: 'if (seen === this.#every - 1) out.emit(value)',
    },
    files,
    shows: /sample emits the first/,
  },
  {
    name: 'each record of a batch prolongs its time',
    plant: {
      file: 'flow/src/pacing/batch.ts',
      from: 'const due = open.due ?? this.#start(time)',
      to: 'const due = this.#start(time)',
    },
    files,
    shows: /batch ends a batch when it is full/,
  },
]
