import process from 'node:process'
import { pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generate } from '@millrace/connector-generator'

process.stdout.write('loading\n')
await new Promise((resolve) => setTimeout(resolve, 500))

export default pipeline('slow', (p) => {
  const out = p.parameter('out', { required: 'string' })
  p.from('numbers', generate({ seed: 1, rate: 10, make: ({ index }) => index })).to(
    'file',
    files.writeJson(`${out}/numbers.ndjson`),
  )
})
