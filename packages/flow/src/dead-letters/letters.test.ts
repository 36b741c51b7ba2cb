import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { readLetters, removeLetters } from './letters.ts'

test('removed letters are gone, and the others keep their ids', async () => {
  const fs = new SimFs()
  fs.put('log/7-0.ndjson', '{"value":"a"}\n{"value":"b"}\n{"value":"c"}\n')
  fs.put('log/12-1.ndjson', '{"value":"d"}\n')
  const kept = async (): Promise<readonly string[]> =>
    (await readLetters(fs, 'log')).map(({ id, value }) => `${id} ${value}`)
  expect(await kept()).toEqual(['7-0-0 a', '7-0-1 b', '7-0-2 c', '12-1-0 d'])
  await removeLetters(fs, 'log', new Set(['7-0-0', '12-1-0', 'none']))
  expect(await kept()).toEqual(['7-0-1 b', '7-0-2 c'])
  expect(fs.paths()).toEqual(['/log/7-0.ndjson'])
})
