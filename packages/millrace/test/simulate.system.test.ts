import { describe, expect, test } from 'vitest'
import { millrace, pipelineFile, project } from './command.ts'

const numbers = ['simulate', pipelineFile('numbers.ts'), '--parameter', 'out=x', '--records', '50']

describe('millrace simulate', () => {
  test('reports seeds and faults, and writes nothing', async () => {
    const { code, out, err } = await millrace([...numbers, '--seeds', '10'])
    expect(code).toBe(0)
    expect(out).toMatch(/^numbers: 10 seeds, and every promise was kept\n/)
    expect(err).toMatch(/^1 of 10 seeds\n/)
  })

  test('prints the same as JSON', async () => {
    const { code, out } = await millrace([...numbers, '--seed', '7', '--json', '--parallelism', '2'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ seeds: 1, failures: [] })
  })

  test('names the operator that is not deterministic, and exits with 1', async () => {
    const { code, out } = await millrace(['simulate', pipelineFile('dice.ts'), '--records', '20'])
    expect(code).toBe(1)
    expect(out).toContain("seed 0: 'throw' does not do the same thing twice")
    expect(out).toMatch(/Run it again: millrace simulate .*dice\.ts --records 20 --seed 0/)
  })

  test('reads records from a file in place of a server', async () => {
    const directory = await project({
      'job.ts': `
        import { pipeline } from 'millrace'
        import { redis } from '@millrace/connector-redis'
        export default pipeline('sums', (p) => {
          p.from('orders', redis.readJson<{ n: number }>('orders'))
            .keyBy(({ n }) => n % 3)
            .scan('sum', () => 0, (sum, { n }) => sum + n)
            .to('sums', redis.writeJson('sums'))
        })`,
      'orders.ndjson': Array.from({ length: 40 }, (_, n) => JSON.stringify({ n })).join('\n'),
    })
    const command = ['simulate', `${directory}/job.ts`, '--seeds', '5']
    const { code, out } = await millrace([...command, '--input', `orders=${directory}/orders.ndjson`])
    expect([code, out]).toEqual([0, expect.stringMatching(/^sums: 5 seeds, and every promise was kept\n/)])
    expect(await millrace(command)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--input orders=FILE'),
    })
  })

  test('rejects invalid options', async () => {
    expect(await millrace([...numbers, '--seeds', '0'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('OPTION_INVALID: --seeds is 0. Give an integer, at least 1'),
    })
  })

  test('reports the same error as run for a pipeline that cannot be built', async () => {
    const directory = await project({
      'job.ts':
        "import { pipeline } from 'millrace'\nexport default pipeline('x', () => { throw new Error('no luck') })",
    })
    const { code, err } = await millrace(['simulate', `${directory}/job.ts`])
    expect([code, err]).toEqual([
      3,
      expect.stringContaining("GRAPH_INVALID: the build function of pipeline 'x' failed"),
    ])
  })
})
