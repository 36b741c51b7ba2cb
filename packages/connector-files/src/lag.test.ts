import { gzipSync } from 'node:zlib'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { FileWorld } from '../test/file-world.ts'
import { readLines } from './lines.ts'

/** Each line of a file, with what the reader says is left and read after it. */
async function lagsOf(name: string, content: string | Uint8Array): Promise<readonly (readonly unknown[])[]> {
  const fs = new SimFs()
  fs.put(name, content)
  const world = new FileWorld(fs, true)
  const source = readLines(name)
  const { splits } = await source.discover(world.context)
  const reader = await source.open(splits[0]!, undefined, world.context)
  const lags: (readonly unknown[])[] = []
  for (let poll = reader.poll(1); poll.kind !== 'end'; poll = reader.poll(1)) {
    if (poll.kind === 'records') lags.push([poll.values[0], reader.lag!()?.bytes, reader.bytesRead])
    else await reader.ready()
  }
  await reader.close()
  return lags
}

test('lag of a file: the bytes after the last record that was returned', async () => {
  expect(await lagsOf('app.log', 'one\ntwo\nthree\n')).toEqual([
    ['one', 10, 4],
    ['two', 6, 8],
    ['three', 0, 14],
  ])
})

test('lag of a packed file is unknown: its size says nothing about its content', async () => {
  expect(await lagsOf('app.log.gz', gzipSync('one\ntwo\n'))).toEqual([
    ['one', undefined, 4],
    ['two', undefined, 8],
  ])
})
