import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { pipeline, type Source } from 'millrace'
import { files } from '@millrace/connector-files'
import { generate } from '@millrace/connector-generator'

/** Takes a while to be opened, as after a restart with much state. */
export default pipeline('slow-to-open', (p) => {
  const out = p.parameter('out', { required: 'string' })
  const numbers: Source<number> = generate({ seed: 1, rate: 100, make: ({ index }) => index })
  const slow: Source<number> = {
    kind: 'slow',
    durability: 'replayable',
    discover: (context) => numbers.discover(context),
    open: async (split, from, context) => {
      process.stdout.write('opening\n')
      await setTimeout(700)
      return numbers.open(split, from, context)
    },
  }
  p.from('numbers', slow).to('file', files.writeJson(`${out}/numbers.ndjson`))
})
