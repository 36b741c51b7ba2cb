import process from 'node:process'
import { pipeline, type Sink } from 'millrace'
import { generator } from '@millrace/connector-generator'

/** A sink whose write never returns. */
const stalled: Sink<number> = {
  kind: 'stalled',
  guarantee: 'at-most-once',
  open: async () => ({
    write() {
      process.stdout.write('writing\n')
      return new Promise<void>(() => {})
    },
    prepare: async () => undefined,
    close: async () => {},
  }),
}

export default pipeline('stalled', (p) => {
  p.from('numbers', generator.generate({ seed: 1, rate: 100, make: ({ index }) => index })).to(
    'nowhere',
    stalled,
  )
})
