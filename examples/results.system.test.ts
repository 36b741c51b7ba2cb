import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Command, scratch } from '../packages/millrace/test/command.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
/** Readings of a real machine, with the times at which it is known to have failed (Numenta Anomaly Benchmark). */
const readings = fileURLToPath(new URL('../../shared/data/nab', import.meta.url))

/** Runs an example to the end of its input; returns the lines of each of its results, sorted. */
async function run(program: string, parameters: readonly string[], parallelism: string) {
  const directory = await scratch()
  const all = [`out=${directory}/out`, ...parameters].flatMap((each) => ['--parameter', each])
  const options = ['--bounded', '--parallelism', parallelism, '--data-dir', `${directory}/data`]
  const { code, err } = await new Command(['run', `${here}${program}`, ...options, ...all]).ended
  expect([code, err]).toEqual([0, expect.not.stringContaining('warning')])
  const results = new Map<string, string[]>()
  // Each subtask that has results writes a file of its own.
  for (const file of await readdir(`${directory}/out`)) {
    const name = file.split('.')[0]!
    const lines = (await readFile(`${directory}/out/${file}`, 'utf8')).trim().split('\n')
    results.set(name, [...(results.get(name) ?? []), ...lines].toSorted())
  }
  return results
}

async function expected(folder: string, name: string): Promise<readonly string[]> {
  return (await readFile(`${here}${folder}/expect.${name}.ndjson`, 'utf8')).trim().split('\n').toSorted()
}

describe.each([
  ['05-ad-clicks/ad-clicks.ts', 'data', ['views', 'costs', 'rates', 'visits', 'ranking']],
  ['06-sensor-anomalies/sensor-anomalies.ts', '', ['alarms']],
  ['07-recommendations/recommendations.ts', 'data', ['users', 'items']],
  ['08-monitoring/monitoring.ts', 'data', ['rates', 'alerts']],
  ['09-web-sessions/web-sessions.ts', 'log', ['visits', 'hours']],
  ['10-monthly-bill/monthly-bill.ts', 'data', ['bills']],
] as const)('%s gives what it shows', (program, input, names) => {
  const folder = program.split('/')[0]!
  const parameters = {
    data: [`data=${here}${folder}/data`],
    log: [`log=${here}${folder}/access.log`],
    '': [],
  }

  test.each(['1', '3'])('with %s subtasks', async (parallelism) => {
    const results = await run(program, parameters[input], parallelism)
    for (const name of names) expect(results.get(name)).toEqual(await expected(folder, name))
  })
})

test.skipIf(!existsSync(readings))(
  'the sensor example finds the known failures of a real machine',
  async () => {
    const name = 'machine_temperature_system_failure.csv'
    const results = await run('06-sensor-anomalies/sensor-anomalies.ts', [`file=${readings}/${name}`], '1')
    const alarms = results.get('alarms')!.map((line) => JSON.parse(line) as { from: string })
    const windows = JSON.parse(await readFile(`${readings}/combined_windows.json`, 'utf8')) as Record<
      string,
      readonly (readonly [from: string, to: string])[]
    >
    const failures = windows[`realKnownCause/${name}`]!.map(([from, to]) => [
      from.replace(' ', 'T'),
      to.replace(' ', 'T'),
    ])
    // One alarm begins within each failure, and none at another time.
    expect(alarms).toHaveLength(failures.length)
    for (const [i, { from }] of alarms.entries()) {
      expect(from >= failures[i]![0]! && from <= failures[i]![1]!).toBe(true)
    }
  },
)
