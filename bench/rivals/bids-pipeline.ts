import { files } from '@millrace/connector-files'
import { pipeline, type Pipeline } from 'millrace'
import { bidJobs, type BidJobName } from '../bid-jobs.ts'
import type { Bid } from '../ndjson-bids.ts'

/** The job that the parameters name. It is a module of its own, since each thread loads it. */
const bids: Pipeline = pipeline('bids', (p) => {
  const job = p.parameter('job', { required: 'string' }) as BidJobName
  const inputs = p.parameter('in', { required: 'string' }).split(',')
  bidJobs[job].build(p.from('in', files.readNdjson<Bid>(inputs)), p.parameter('out', { required: 'string' }))
})

export default bids
