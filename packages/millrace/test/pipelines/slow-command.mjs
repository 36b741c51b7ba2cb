// Preloaded by a test: prints when the modules of the command are about to load, and loads them when standard
// input ends.
import { register } from 'node:module'

const hooks = `
  import { once } from 'node:events'
  import { writeSync } from 'node:fs'
  import { Socket } from 'node:net'
  export async function load(url, context, next) {
    if (url.endsWith('/cli/dist/main.js')) {
      writeSync(2, 'loading the command\\n')
      await once(new Socket({ fd: 0 }).resume(), 'end')
    }
    return next(url, context)
  }
`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
