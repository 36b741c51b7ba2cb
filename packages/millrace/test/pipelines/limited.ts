import { files } from '@millrace/connector-files'
import { deadLetter, pipeline, type Pipeline } from 'millrace'

/** Copies numbers up to a limit; greater ones, and lines that are none, are dead letters. */
const program: Pipeline = pipeline('limited', (p) => {
  const directory = p.parameter('directory', { required: 'string' })
  const limit = p.parameter('limit', 10)
  p.onError(deadLetter('rejected'))
  p.from('numbers', files.readNdjson<{ n: number }>(`${directory}/in.ndjson`))
    .map(
      ({ n }) => {
        if (n > limit) throw new RangeError(`${n} is over the limit`)
        return { n }
      },
      { name: 'check' },
    )
    .to('out', files.writeNdjson(`${directory}/out.ndjson`))
})

export default program
