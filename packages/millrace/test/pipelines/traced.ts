import { pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'

/** Numbers with a trace each, of which those of 0, 1 and 2 are sampled. */
export default pipeline('traced', (p) => {
  const out = p.parameter('out', { required: 'string' })
  p.from('numbers', generator.generate({ seed: 1, every: 1, count: 100, make: ({ index }) => index }))
    .withHeaders((index) => ({
      traceparent: `00-${String(index + 1).padStart(32, '0')}-00f067aa0ba902b7-${index < 3 ? '01' : '00'}`,
    }))
    .keyBy((index) => index)
    .scan(
      'seen',
      () => 0,
      (seen) => seen + 1,
    )
    .to('file', files.writeNdjson(out))
})
