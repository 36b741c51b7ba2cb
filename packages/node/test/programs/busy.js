import { kill, pid, stdout } from 'node:process'
import { Channel, Scope } from '@millrace/channels'

const jobs = new Channel(0, 'jobs')
const scope = new Scope()
scope.go((signal) => jobs.send('wash', signal), 'sender')
kill(pid, 'SIGQUIT')
setTimeout(() => jobs.tryReceive(), 50)
await scope.wait()
stdout.write('done')
