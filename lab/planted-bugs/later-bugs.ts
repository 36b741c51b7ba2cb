import type { TopologyBug } from './planted-bug.ts'

/** One bug for each kind of part that is drawn last: each shows only where the kind is drawn. */
export const laterBugs: readonly TopologyBug[] = [
  {
    name: 'a batch keeps the records that it has emitted',
    plant: { file: 'flow/src/pacing/batch.ts', from: '    this.#values.clear()\n', to: '' },
    seed: 0,
    feature: 'batch',
  },
  {
    name: 'the records that a throttle holds are lost when the input ends',
    plant: {
      file: 'flow/src/pacing/throttle.ts',
      from: '    while (!this.#waiting.isEmpty) this.#emitNext(out)\n',
      to: '',
    },
    seed: 0,
    feature: 'throttle that waits',
  },
  {
    name: 'a record is delayed by half the time',
    plant: {
      file: 'flow/src/pacing/delay.ts',
      from: 'setDue(this.#context, this.#clock, time, this.#byMs)',
      to: 'setDue(this.#context, this.#clock, time, this.#byMs / 2)',
    },
    seed: 0,
    feature: 'delay by event time',
  },
  {
    name: 'debounce drops a record for one that follows much later',
    plant: {
      file: 'flow/src/pacing/sample.ts',
      from: 'if (other > time && other < time + this.#quietMs) return',
      to: 'if (other > time) return',
    },
    seed: 0,
    feature: 'debounce by event time',
  },
  {
    name: 'sample emits no record after the first',
    plant: {
      file: 'flow/src/pacing/sample.ts',
      from: 'this.#seen.set((seen + 1) % this.#every)',
      to: 'this.#seen.set(Math.min(seen + 1, this.#every))',
    },
    seed: 0,
    feature: 'sample',
  },
  {
    name: 'a write prolongs no life',
    plant: {
      file: 'core/src/state/expiring-table.ts',
      from: "if (this.ttl.refresh !== 'create')",
      to: "if (this.ttl.refresh === 'read')",
    },
    seed: 0,
    feature: 'state that expires after a write',
  },
  {
    name: 'broadcast records reach one subtask only',
    plant: {
      file: 'core/src/exchange/port.ts',
      from: 'else for (const builder of this.#builders) builder.add(value, time)',
      to: 'else this.#builders[0]!.add(value, time)',
    },
    seed: 0,
    feature: 'broadcast state',
  },
  {
    name: 'a version is not valid yet at its own time',
    plant: {
      file: 'flow/src/join/as-of-join-operator.ts',
      from: 'times.indexFrom(justAfter(time)) - 1',
      to: 'times.indexFrom(time) - 1',
    },
    seed: 0,
    feature: 'as-of join',
  },
  {
    name: 'a semi join emits each left record for each partner',
    plant: {
      file: 'flow/src/join/row-matching.ts',
      from: 'return { count: lefts.length, result: (index) => lefts[index] }',
      to: 'return { count: lefts.length * Math.max(1, rights.length), result: (index) => lefts[index % lefts.length] }',
    },
    seed: 0,
    feature: 'semi join',
  },
  {
    name: 'the slices of trailing windows are dropped too early',
    plant: {
      file: 'flow/src/window/trailing-window-operator.ts',
      from: 'start !== undefined && start + this.#size <= now;',
      to: 'start !== undefined && start + this.#size <= now + 20;',
    },
    seed: 0,
    feature: 'trailing windows',
  },
  {
    name: 'a day of a calendar begins at midnight, whatever its offset',
    plant: {
      file: 'flow/src/event-time/calendar-spans.ts',
      from: '(this.#localTime(time) - this.#shift) / dayMs',
      to: 'this.#localTime(time) / dayMs',
    },
    seed: 0,
    feature: 'calendar windows',
  },
  {
    name: 'a count window has one record too many',
    plant: {
      file: 'flow/src/window/trigger.ts',
      from: 'isDue: (pane) => pane.records >= n,',
      to: 'isDue: (pane) => pane.records > n,',
    },
    seed: 0,
    feature: 'count windows',
  },
  {
    name: 'a global window that discards its records keeps them',
    plant: {
      file: 'flow/src/window/open-window.ts',
      from: "if (content !== 'discarding') return",
      to: 'return',
    },
    seed: 0,
    feature: 'global windows',
  },
  {
    name: 'windows by the clock count their first record twice',
    plant: {
      file: 'flow/src/window/clock-window-operator.ts',
      from: 'this.#accumulators.first(value))',
      to: 'this.#accumulators.add(this.#accumulators.first(value), value))',
    },
    seed: 0,
    feature: 'windows by the clock',
  },
  {
    name: 'aggregates without a window forget the records before a restart',
    plant: {
      file: 'flow/src/table/running-aggregate-operator.ts',
      from: '    this.#state.set(total)\n',
      to: '    if (held === undefined) this.#state.set(total)\n',
    },
    seed: 0,
    feature: 'aggregates of keys',
  },
  {
    name: 'after a restart a value lives as long as its state says, whatever its write said',
    plant: {
      file: 'core/src/state/expiring-cell.ts',
      from: 'hasLife && input.byte() === 1 ? input.float64() : undefined',
      to: 'hasLife && input.byte() === 1 && input.float64() > 0 ? undefined : undefined',
    },
    seed: 0,
    feature: 'map entries with a life of their own',
  },
  {
    name: 'a call that waits in a checkpoint loses the headers of its record',
    plant: {
      file: 'core/src/task/waiting-record.ts',
      from: '    ...(headers === undefined ? {} : { headers }),\n',
      to: '',
    },
    seed: 0,
    feature: 'headers through calls',
  },
  {
    name: 'a row of a joined table expires without a change',
    plant: {
      file: 'flow/src/table/row-life-operator.ts',
      from: '      out.emit({ key, before: old.row, after: undefined })\n',
      to: '',
    },
    seed: 0,
    feature: 'join of tables with rows that expire',
  },
  {
    name: 'the row of a window is inserted again with each result',
    plant: {
      file: 'flow/src/window/pane-output.ts',
      from: 'window.hasRow = !isLast',
      to: 'window.hasRow = false',
    },
    seed: 1_135,
    feature: 'windows as a table with early rows',
  },
  {
    name: 'a filter of a table lets rows through that have changed',
    plant: {
      file: 'flow/src/table/table-handle.ts',
      from: 'before: kept(before, key), after: kept(after, key)',
      to: 'before: kept(before, key), after: before === undefined ? kept(after, key) : after',
    },
    seed: 150,
    feature: 'filter of a table',
  },
  {
    name: 'notNext is taken as notFollowedBy',
    plant: {
      file: 'flow/src/pattern/automaton.ts',
      from: "const field = element.isNext ? 'notNexts' : 'nots'",
      to: "const field = element.isNext ? 'nots' : 'nots'",
    },
    seed: 55,
    feature: 'pattern with notNext',
  },
  {
    name: 'the state of a watermark generator is lost at a restore',
    plant: {
      file: 'core/src/task/split-feed.ts',
      from: 'const saved = generator?.saved()',
      to: 'const saved = generator === undefined ? generator : undefined',
    },
    seed: 204,
    feature: 'watermark at each record',
  },
  {
    name: 'the state of a watermark generator is lost at the end of a run',
    plant: {
      file: 'core/src/task/split-set.ts',
      from: 'generator: generator?.saved() })',
      to: 'generator: undefined })',
    },
    seed: 135,
    feature: 'watermark at each record',
  },
  {
    name: 'a Top-N keeps a row too many',
    plant: {
      file: 'flow/src/table/top-n-operator.ts',
      from: 'if (ranked.size > end) this',
      to: 'if (ranked.size > end + 1) this',
    },
    seed: 600,
    feature: 'Top-N of a stream',
  },
  {
    name: 'a view keeps the rows that are deleted',
    plant: {
      file: 'flow/src/table/view-operator.ts',
      from: '      this.#rows.delete(cell)\n',
      to: '',
    },
    seed: 27,
    feature: 'view of a table',
  },
]
