import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCommandLine } from './command.ts'
import { simulateCommand } from './simulate-command.ts'
import { simulatedInputs, type SimulatedInputs } from './simulate-inputs.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-inputs-'))
  await writeFile(path.join(directory, 'a.ndjson'), '{"n":1}\n\n{"n":2}\n{"n":3}\n')
  await writeFile(path.join(directory, 'b.ndjson'), '"text"')
  await writeFile(path.join(directory, 'c.ndjson'), '1\nno JSON\n')
})
afterAll(() => rm(directory, { recursive: true }))

function inputs(...given: readonly string[]): Promise<SimulatedInputs> {
  const args = given.flatMap((pair) => ['--input', pair.replace('DIR', directory)])
  return simulatedInputs(readCommandLine(simulateCommand, ['job.ts', ...args]), 2)
}

test('each file is a split of its source, with a record on each line, as many as are wanted', async () => {
  expect(await inputs('orders=DIR/a.ndjson', 'orders=DIR/b.ndjson', 'rates=DIR/b.ndjson')).toEqual({
    orders: { [`${directory}/a.ndjson`]: [{ n: 1 }, { n: 2 }], [`${directory}/b.ndjson`]: ['text'] },
    rates: { [`${directory}/b.ndjson`]: ['text'] },
  })
  expect(await inputs()).toEqual({})
})

test.each([
  ['orders', 'names no file; write --input SOURCE=FILE'],
  ['=DIR/a.ndjson', 'names no file'],
  ['orders=DIR/none.ndjson', 'cannot be read'],
  ['orders=DIR/c.ndjson', 'line 2 of'],
])('--input %s is refused', async (given, message) => {
  await expect(inputs(given)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining(message),
  })
})
