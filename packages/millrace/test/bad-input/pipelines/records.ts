import { deadLetter, fail, pipeline, skip, type OnError, type Pipeline } from 'millrace'
import { files } from '@millrace/connector-files'

interface Thing {
  readonly n: number
}

/** Copies the valid records of a file; thirteen throws. */
const program: Pipeline = pipeline('records', (p) => {
  const input = p.parameter('in', { required: 'string' })
  const out = p.parameter('out', { required: 'string' })
  const policies: Readonly<Record<string, OnError>> = {
    fail: fail(),
    skip: skip(),
    deadLetter: deadLetter('rejected', files.writeNdjson(`${out}/rejected.ndjson`)),
  }
  p.onError(policies[p.parameter('policy', 'fail')]!)
  p.from('things', files.readNdjson<Thing>(input))
    .map(check, { name: 'check' })
    .to('copies', files.writeNdjson(`${out}/copies.ndjson`))
})

function check(thing: Thing): Thing {
  if (thing.n === 13) throw new Error('thirteen is unlucky')
  return thing
}

export default program
