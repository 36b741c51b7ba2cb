import type { SimulatorBug } from './planted-bug.ts'

const file = '../lab/planted-bugs/pipelines.ts'
const sink = '../lab/planted-bugs/ledger-sink.ts'

/** Bugs that users write in their own pipelines and sinks. */
export const userBugs: readonly SimulatorBug[] = [
  {
    name: 'a map counts in a module variable',
    plant: {
      file,
      from: 'value: reading.value + 1 }',
      to: 'value: reading.value + (globalThis.calls = (globalThis.calls ?? 0) + 1) }',
    },
    shows: /'calibrate' does not do the same thing twice/,
    seed: 0,
  },
  {
    name: 'a map uses Math.random',
    plant: { file, from: 'value: reading.value + 1 }', to: 'value: reading.value + Math.random() }' },
    shows: /'calibrate' does not do the same thing twice/,
    seed: 0,
  },
  {
    name: 'a map reads the clock',
    plant: { file, from: 'value: reading.value + 1 }', to: 'value: Date.now() }' },
    shows: /'calibrate' does not do the same thing twice/,
    seed: 0,
  },
  {
    name: 'a map starts unawaited work',
    plant: {
      file,
      from: 'value: reading.value + 1 }',
      to: 'value: (void Promise.resolve().then(() => {}), reading.value + 1) }',
    },
    shows: /'calibrate'.*a promise that is not awaited/,
    seed: 0,
  },
  {
    name: 'a scan changes an emitted value',
    plant: {
      file,
      from: '({ n: before.n + 1, total: before.total + value })',
      to: '{ before.n++; before.total += value; return before }',
    },
    shows: /'totals/,
    seed: 0,
  },
  {
    name: 'totals are kept in a module variable instead of in state',
    plant: {
      file,
      from: 'total.set((total.get() ?? 0) + value.value)',
      to: 'const sums = ((globalThis as { sums?: Map<string, number> }).sums ??= new Map())\n        sums.set(value.meter, (sums.get(value.meter) ?? 0) + value.value)\n        total.set(sums.get(value.meter)!)',
    },
    shows: /'silence' does not do the same thing twice|'silence-out' (misses|has)/,
    seed: 0,
  },
  {
    name: 'a sink signs a page at every commit',
    plant: { file: sink, from: '    unsigned.delete(id)\n', to: '' },
    shows: /'totals-out' has twice/,
    seed: 0,
  },
  {
    name: 'a sink forgets prepared output at a restart',
    plant: { file: sink, from: 'for (const page of pending) sign(page)', to: '' },
    shows: /'totals-out' misses/,
    seed: 116,
  },
  {
    name: 'a sink signs a page before the checkpoint is complete',
    plant: {
      file: sink,
      from: '          unsigned.set(page.id, lines)\n',
      to: '          ledger.push(...lines)\n',
    },
    shows: /'totals-out' has twice/,
    seed: 0,
  },
]
