import { expect, test } from 'vitest'
import { ClusterRun } from './cluster-run.ts'
import { drawScenario, workersMax } from './drawing.ts'
import { expectedRows, type Row } from './rows.ts'
import { partKinds, type Happening, type Scenario, type Setting } from './scenario.ts'
import { shrink } from './shrink.ts'
import { compareRows, type Problem } from './verdict.ts'

const setting: Setting = {
  leases: 4,
  standbys: 0,
  workers: 3,
  areNamed: false,
  sessionMs: 1_000,
  everyMs: 300,
  isBounded: false,
  store: 'memory',
  batchRecords: 1_024,
  latencyMs: 5,
  markMs: 5,
  deliveredMax: 500,
  unevenMs: 0,
  sinkBytes: 100_000,
  slowShare: 0,
  slowMs: 1,
  turnMs: 0,
  skewMs: 0,
  produceMs: 2_000,
  portions: 4,
}

/** A running count behind a shuffle, with one input of two partitions. */
function scenario(more: Partial<Setting>, happenings: readonly Happening[], seed = 1): Scenario {
  return {
    seed,
    setting: { ...setting, ...more },
    inputs: [{ name: 'in-0', partitions: 2, records: 60, keys: 5, stepMs: 10, disorderMs: 30 }],
    parts: [{ kind: 'running', inputs: [0], sizeMs: 50 }],
    happenings,
  }
}

async function problemsOf(of: Scenario): Promise<readonly Problem[]> {
  return (await new ClusterRun(of).run()).problems
}

test('the same seed draws the same scenario and the same run, and another seed another', async () => {
  const logOf = async (seed: number): Promise<string> =>
    (await new ClusterRun(drawScenario(seed), true).run()).log.join('\n')
  expect(drawScenario(13)).toEqual(drawScenario(13))
  const [first, second, other] = [await logOf(13), await logOf(13), await logOf(14)]
  expect(second).toBe(first)
  expect(other).not.toBe(first)
})

test('the seeds draw every part, every happening and 1 to 64 workers', () => {
  const drawn = Array.from({ length: 2_000 }, (_, seed) => drawScenario(seed))
  const parts = new Set(drawn.flatMap((each) => each.parts.map(({ kind }) => kind)))
  expect([...parts].toSorted()).toEqual([...partKinds].toSorted())
  expect([...new Set(drawn.flatMap((each) => each.happenings.map(({ kind }) => kind)))].toSorted()).toEqual(
    [
      'kill',
      'freeze',
      'cut',
      'hit',
      'diskError',
      'outage',
      'slow',
      'lostAnswer',
      'add',
      'stop',
      'compact',
      'poison',
    ].toSorted(),
  )
  const workers = new Set(drawn.map((each) => each.setting.workers))
  expect([Math.min(...workers), Math.max(...workers)]).toEqual([1, workersMax])
  expect(workers.size).toBeGreaterThan(55)
})

test('the verdict tells what is lost, double, unknown and out of order', () => {
  const { parts } = scenario({}, [])
  const row = (key: string, text: string): Row => ({ part: 'running-0', key, text })
  const expected = [row('a', '1'), row('a', '2'), row('b', '1')]
  expect(compareRows(expected, [[row('a', '1'), row('a', '2')], [row('b', '1')]], parts)).toEqual([])
  const kinds = (...found: readonly Row[]) => compareRows(expected, [found], parts).map(({ kind }) => kind)
  expect(kinds(row('a', '1'), row('a', '2'))).toEqual(['lost'])
  expect(kinds(...expected, row('b', '1'))).toEqual(['double', 'order'])
  expect(kinds(...expected, row('c', '1'))).toEqual(['wrong'])
  expect(kinds(row('a', '2'), row('a', '1'), row('b', '1'))).toEqual(['order'])
})

test('a failure is made shorter: what it does not need is left out', async () => {
  const long = scenario({ standbys: 1 }, [
    { kind: 'compact', atMs: 100 },
    { kind: 'kill', atMs: 200, who: 0, disk: 'kept', afterOperations: 0, backAfterMs: 10 },
    { kind: 'add', atMs: 300 },
  ])
  const run = async (of: Scenario) => {
    const report = await new ClusterRun({ ...of, happenings: [] }).run()
    const isKilled = of.happenings.some(({ kind }) => kind === 'kill')
    return { ...report, problems: isKilled ? [{ kind: 'lost', text: 'made up' } as const] : [] }
  }
  const { scenario: short } = await shrink(long, await run(long), run)
  expect(short.happenings.map(({ kind }) => kind)).toEqual(['kill'])
  expect(short.setting.standbys).toBe(0)
  expect(expectedRows(short).length).toBeLessThan(expectedRows(long).length / 2)
})

test('a lease that comes to the worker with its standby waits until the copy is closed', async () => {
  const happenings = [300, 700, 1_500].map((atMs, who): Happening => ({
    kind: 'stop',
    atMs,
    who,
    backAfterMs: 500,
  }))
  for (let seed = 0; seed < 4; seed++) {
    expect(await problemsOf(scenario({ standbys: 2, slowShare: 0.5 }, happenings, seed))).toEqual([])
  }
})

test('a bounded job ends in all workers, also if one leaves while the others are about to end', async () => {
  for (let seed = 0; seed < 6; seed++) {
    const happenings: readonly Happening[] = [{ kind: 'stop', atMs: 400, who: seed, backAfterMs: undefined }]
    expect(await problemsOf(scenario({ isBounded: true, workers: 5 }, happenings, seed))).toEqual([])
  }
})
