import { pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

export default pipeline('failing', (p) => {
  const out = p.parameter('out', { required: 'string' })
  p.from('numbers', generator.generate({ seed: 1, count: 10, make: ({ index }) => index }))
    .map(refuseSeven, { name: 'refuse' })
    .to('file', files.writeNdjson(`${out}/numbers.ndjson`))
})

function refuseSeven(n: number): number {
  if (n === 7) throw new Error('seven is \u001b[31mout\nof the question')
  return n
}
