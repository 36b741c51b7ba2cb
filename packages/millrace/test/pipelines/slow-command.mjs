// Preloaded by a test: makes the modules of the command take long to load, and says when that begins.
import { register } from 'node:module'

const hooks = `
  import { writeSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  export async function load(url, context, next) {
    if (url.endsWith('/cli/dist/main.js')) {
      writeSync(2, 'loading the command\\n')
      await setTimeout(500)
    }
    return next(url, context)
  }
`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
