import type { TestedBug } from './planted-bug.ts'

/** Mistakes in windows. */
export const windowBugs: readonly TestedBug[] = [
  {
    name: 'a merged sketch of frequent values forgets what was taken off',
    plant: {
      file: 'flow/src/sketch/heavy-hitters.ts',
      from: 'earlier.takenOff += later.takenOff',
      to: 'earlier.takenOff = Math.max(earlier.takenOff, later.takenOff)',
    },
    files: ['packages/flow/src/sketch/sketch.test.ts'],
    shows: /the bounds hold/,
  },
  {
    name: 'a merged count of distinct values loses registers',
    plant: {
      file: 'flow/src/sketch/approximate-count-distinct.ts',
      from: 'registers[i] = Math.max(registers[i]!, later[i]!)',
      to: 'registers[i] = later[i]!',
    },
    files: ['packages/flow/src/sketch/sketch.test.ts'],
    shows: /merged parts give the result/,
  },
  {
    name: 'a day returns where clocks are set back over midnight',
    plant: {
      file: 'flow/src/event-time/calendar-spans.ts',
      from: 'while (this.#begin(day, by + 1) <= time) by++',
      to: '',
    },
    files: ['packages/flow/src/event-time/calendar.test.ts'],
    shows: /do not return to a day that is over/,
  },
  {
    name: 'a record between two windows counts as late',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: "if (isBetweenWindows(this.#slice)) this.#context.count('skipped')",
      to: "if (isBetweenWindows(this.#slice)) this.#context.count('late')",
    },
    files: ['packages/flow/src/window/kinds.property.test.ts'],
    shows: /skip the records that are in no window/,
  },
  {
    name: 'cumulative windows are merged from their slices each time',
    plant: {
      file: 'flow/src/window/slice-merge.ts',
      from: 'assigner.markOf?.(end) ?? start',
      to: 'assigner.markOf?.(end) ?? end',
    },
    files: ['packages/flow/src/window/many-slices.test.ts'],
    shows: /cumulative windows costs no more merges/,
  },
]
