import { Channel, Scope } from '@millrace/channels'

const jobs = new Channel(2, 'jobs')
const scope = new Scope(undefined, 'shop')
scope.go(async (signal) => void (await jobs.receive(signal)), 'worker')
