import { readdir, readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { millrace, pipelineFile, project } from './command.ts'

async function plan(file: string, directory: string, ...options: readonly string[]) {
  const given = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
  return millrace(['plan', file, ...given, ...options])
}

test('millrace plan shows what a changed program does with existing state, and changes nothing', async () => {
  const program = await readFile(pipelineFile('numbers.ts'), 'utf8')
  const directory = await project({ 'numbers.ts': program })
  const file = `${directory}/numbers.ts`
  const fresh = await plan(file, directory)
  expect(fresh).toMatchObject({
    code: 0,
    out: `there is no checkpoint in ${directory}/data: every operator starts empty\n`,
  })
  const ran = ['run', file, '--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
  expect((await millrace(ran)).code).toBe(0)
  const before = await readdir(`${directory}/data`, { recursive: true })

  expect((await plan(file, directory)).out).toMatch(
    /^numbers {2}kept\nsums {5}kept\nfile {5}kept\na start would restore checkpoint \d+\n$/,
  )

  await writeFile(file, program.replace('n: count(), ', '').replace(`'file'`, `'sums-file'`))
  const converted = await plan(file, directory)
  expect(converted.code).toBe(0)
  expect(converted.out).toContain(
    "sums       converted     aggregate 'n' was removed and its values are dropped\n",
  )
  expect(converted.out).toContain('sums-file  new           starts empty\n')

  await writeFile(file, program.replace(`tumbling('100ms')`, `tumbling('1s')`))
  const refused = await plan(file, directory)
  expect(refused.code).toBe(5)
  expect(refused.out).toContain('sums     incompatible  window size was 100ms and is 1s. Undo the change, ')
  expect(refused.out).toContain('a start would be refused')
  expect((await plan(file, directory, '--drop-state', 'sums')).code).toBe(0)
  const { isPossible, parts } = JSON.parse((await plan(file, directory, '--json')).out)
  expect(isPossible).toBe(false)
  expect(parts[1]).toMatchObject({ name: 'sums', kind: 'operator', outcome: 'incompatible' })
  expect(await readdir(`${directory}/data`, { recursive: true })).toEqual(before)
})
