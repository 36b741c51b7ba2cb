import { once } from 'node:events'
import process from 'node:process'
import { pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

process.stdout.write('loading\n')
// Waiting for a signal alone does not keep a process alive.
const alive = setInterval(() => {}, 1_000)
await once(process, 'SIGINT')
clearInterval(alive)

export default pipeline('slow', (p) => {
  const out = p.parameter('out', { required: 'string' })
  p.from('numbers', generator.generate({ seed: 1, rate: 10, make: ({ index }) => index })).to(
    'file',
    files.writeNdjson(`${out}/numbers.ndjson`),
  )
})
