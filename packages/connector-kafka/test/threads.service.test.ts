import { execFile } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { dataDirectory, upTo } from '../../../lab/servers/job-on-disk.ts'
import { readWithJava } from '../../../scripts/services/kafka-console.ts'
import { numbered } from './job-parts.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const command = path.resolve('packages/millrace/bin/millrace.js')
const program = fileURLToPath(new URL('threaded.ts', import.meta.url))

test.skipIf(broker.missing !== undefined)(
  'a job in two threads copies each record once, and its sink is not in the main thread',
  async () => {
    const [input, output] = [await broker.freshTopic(2), await broker.freshTopic(2)]
    await broker.produce(input, numbered(0, 1_000))
    const parameters = { brokers: broker.brokers, input, output }
    const options = ['--bounded', '--parallelism', '2', '--data-dir', await dataDirectory()]
    await promisify(execFile)(process.execPath, [
      command,
      'run',
      program,
      ...options,
      ...Object.entries(parameters).flatMap(([name, value]) => ['--parameter', `${name}=${value}`]),
    ])
    await broker.transactionsMarked()
    const found = (await readWithJava(broker.brokers, output, 1_010)).map(
      ({ value }) => JSON.parse(value) as { readonly n: number; readonly thread: number },
    )
    expect(found.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(upTo(1_000))
    expect(found.filter(({ thread }) => thread === 0)).toEqual([])
  },
)
