import { writeSync } from 'node:fs'
import process from 'node:process'
import { pipeline, type Sink } from 'millrace'
import { generator } from '@millrace/connector-generator'

const nowhere: Sink<number> = {
  kind: 'nowhere',
  guarantee: 'at-most-once',
  open: async () => ({ write() {}, prepare: async () => undefined, close: async () => {} }),
}

process.once('exit', () => {
  writeSync(1, 'exiting\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
})

export default pipeline('slow-to-exit', (p) => {
  p.from('numbers', generator.generate({ seed: 1, count: 3, make: ({ index }) => index })).to(
    'nowhere',
    nowhere,
  )
})
