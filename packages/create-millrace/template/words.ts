import { files } from '@millrace/connector-files'
import { pipeline } from 'millrace'

/** Counts words, and writes each count as it grows. */
export default pipeline('words', (p) => {
  const input = p.parameter('input', 'input/*.txt')
  const output = p.parameter('output', 'out/counts.ndjson')

  p.from('lines', files.readLines(input, { follow: true }))
    .flatMap((line) => line.toLowerCase().match(/\p{L}+/gu) ?? [])
    .keyBy((word) => word)
    .scan(
      'count',
      () => 0,
      (count) => count + 1,
    )
    .to('counts', files.writeNdjson(output))
})
