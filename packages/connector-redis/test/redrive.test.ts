import { DataDirectory } from '@millrace/core/job'
import { deadLetter, pipeline, queueLetters, readLetters, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { expect, test } from 'vitest'
import { dataDirectory, run } from '../../../lab/servers/job-on-disk.ts'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server

test.skipIf(server.missing !== undefined).each(['stream', 'group'] as const)(
  'dead letters of a %s come back as records when they are redriven to a program that takes them',
  async (what) => {
    const [input, output, directory] = [freshKey(), freshKey(), await dataDirectory()]
    await client.xadd(input, '*', 'order', '1', 'by', 'ann')
    await client.xadd(input, '*', 'order', 'not JSON')
    await client.xadd(input, '*', 'note', '3')
    const options = { url, field: 'order' }
    const checking = (limit: number): Pipeline =>
      pipeline('check', (p) => {
        p.onError(deadLetter('rejected'))
        const source =
          what === 'stream'
            ? redis.readJson<number>(input, options)
            : redis.receiveJson<number>(input, { ...options, group: 'g' })
        p.from('in', source)
          .map((n) => {
            if (n > limit) throw new RangeError(`${n} is too much`)
            return n
          })
          .to('out', redis.writeJson(output, { url }))
      })
    expect(await run(checking(0), directory)).toEqual({ outcome: 'finished' })
    const { fs } = nodePlatform()
    const data = new DataDirectory(directory)
    const letters = await readLetters(fs, data.connector('rejected'))
    expect(letters.map(({ code }) => code).toSorted()).toEqual([
      'DECODE_FAILED',
      'DECODE_FAILED',
      'OPERATOR_FAILED',
    ])
    await queueLetters(fs, data.connector('in'), letters)
    expect(await run(checking(1), directory)).toEqual({ outcome: 'finished' })
    expect((await client.xrange(output, '-', '+')).map(([, fields]) => fields)).toEqual([['data', '1']])
    // What cannot be decoded is a letter again, with the same bytes.
    const again = (await readLetters(fs, data.connector('rejected'))).filter(({ redrives }) => redrives === 1)
    expect(again.map(({ code }) => code)).toEqual(['DECODE_FAILED', 'DECODE_FAILED'])
  },
)
