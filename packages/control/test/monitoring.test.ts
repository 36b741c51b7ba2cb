import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { allMetrics as metrics } from '../src/metrics/readings.ts'

const names = new Set(metrics.map(({ name }) => name))

async function textOf(file: string): Promise<string> {
  return readFile(new URL(`../${file}`, import.meta.url), 'utf8')
}

test.each(['monitoring/grafana-dashboard.json', 'monitoring/alerts.yml'])(
  '%s names only metrics that exist',
  async (file) => {
    const named = new Set((await textOf(file)).match(/\bmillrace_\w+/g))
    expect(named.size).toBeGreaterThan(10)
    expect([...named].filter((name) => !names.has(name))).toEqual([])
  },
)

test('the dashboard of Grafana is JSON, with ids that occur once', async () => {
  const { panels } = JSON.parse(await textOf('monitoring/grafana-dashboard.json')) as {
    panels: readonly { readonly id: number }[]
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
})

test('docs/operating/metrics.md lists every metric with its type and meaning, and no other', async () => {
  const text = await textOf('../../docs/operating/metrics.md')
  const rows = text.match(/^\| `millrace_.*\|$/gm)
  expect(rows).toEqual(metrics.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`))
})

test('metrics: a counter ends with _total, and nothing else does', () => {
  for (const { name, type } of metrics)
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
})
