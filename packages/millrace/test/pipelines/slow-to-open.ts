import { once } from 'node:events'
import process from 'node:process'
import { pipeline, type Source } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

/** A sink that opens only after the stop signal, as in a restart with much state. */
export default pipeline('slow-to-open', (p) => {
  const out = p.parameter('out', { required: 'string' })
  const numbers: Source<number> = generator.generate({ seed: 1, rate: 100, make: ({ index }) => index })
  const slow: Source<number> = {
    kind: 'slow',
    durability: 'replayable',
    discover: (context) => numbers.discover(context),
    open: async (split, from, context) => {
      process.stdout.write('opening\n')
      await once(process, 'SIGTERM')
      return numbers.open(split, from, context)
    },
  }
  p.from('numbers', slow).to('file', files.writeNdjson(`${out}/numbers.ndjson`))
})
