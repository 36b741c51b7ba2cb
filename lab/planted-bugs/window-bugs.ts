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
  {
    name: 'a pane that is discarded comes again with the next one',
    plant: {
      file: 'flow/src/window/open-window.ts',
      from: "if (content !== 'discarding') return",
      to: 'return',
    },
    files: ['packages/flow/src/window/triggers.property.test.ts'],
    shows: /discard what a pane has contained/,
  },
  {
    name: 'a session that grows leaves its row behind',
    plant: {
      file: 'flow/src/window/triggered-window-operator.ts',
      from: 'for (const { value } of [first, ...others]) this.#output.deleteRow(value, key, out)',
      to: '',
    },
    files: ['packages/flow/src/window/triggers.property.test.ts'],
    shows: /update a table whose rows are the windows of the data/,
  },
  {
    name: 'records that no pane contained are lost when their window is dropped',
    plant: {
      file: 'flow/src/window/trigger-plan.ts',
      from: '(isDropped || this.isDue(window, at))',
      to: 'this.isDue(window, at)',
    },
    files: ['packages/flow/src/window/triggers.property.test.ts'],
    shows: /emit one result for each window/,
  },
  {
    name: 'the timer of a session stays when the session merges with another',
    plant: {
      file: 'flow/src/window/triggered-window-operator.ts',
      from: '    this.#due.stopClock(cell)\n    this.#table.delete(cell)\n    this.#removed.push(cell)',
      to: '    this.#table.delete(cell)\n    this.#removed.push(cell)',
    },
    files: ['packages/flow/src/window/trigger.test.ts'],
    shows: /EN-033 sessions that merge have one timer/,
  },
  {
    name: 'a window that ends with a record has lost its first millisecond',
    plant: {
      file: 'flow/src/window/trailing-window-operator.ts',
      from: 'const window = { start: end - this.#size, end }',
      to: 'const window = { start: end - this.#size + 1, end }',
    },
    files: ['packages/flow/src/window/kinds.property.test.ts'],
    shows: /windows that end with each record/,
  },
  {
    name: 'a window by the clock contains the records of its end',
    plant: {
      file: 'flow/src/window/clock-window-operator.ts',
      from: 'sliceAround(this.#assigner, this.#context.now())',
      to: 'sliceAround(this.#assigner, this.#context.now() - 1)',
    },
    files: ['packages/flow/src/window/clock.test.ts'],
    shows: /contain what arrives in them/,
  },
]
