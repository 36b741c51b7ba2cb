/** A pipeline that is not deterministic. */
import { pipeline } from 'millrace'
import { generator } from '@millrace/connector-generator'
import { files } from '@millrace/connector-files'

export default pipeline('dice', (p) => {
  p.from('throws', generator.generate({ seed: 1, count: 20, make: ({ index }) => index }))
    .map((index) => ({ index, eyes: 1 + Math.floor(Math.random() * 6) }), { name: 'throw' })
    .to('file', files.writeNdjson('dice.ndjson'))
})
