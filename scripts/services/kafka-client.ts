import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.ts'

const run = promisify(execFile)
const name = '@confluentinc/kafka-javascript'
const version = '1.10.1'

/**
 * librdkafka's binding for Node, which benchmarks are compared with: the file to import, or why there is none. It is compiled
 * at the first use, for this version of Node, in about three minutes: its package would fetch a binary from outside the npm
 * registry otherwise.
 *
 * It needs a C++ compiler, make, Python, and the headers of OpenSSL and zlib (`libssl-dev`, `zlib1g-dev`).
 */
export async function kafkaClient(): Promise<{ readonly file: string } | { readonly missing: string }> {
  try {
    const root = await cached(`kafka-client-${version}-node-${process.versions.modules}`, async (work) => {
      const home = path.join(work, 'client')
      await mkdir(home)
      await writeFile(path.join(home, 'package.json'), '{"private":true}')
      const env = {
        ...process.env,
        ...ownHeaders(),
        CKJS_LINKING: 'dynamic',
        npm_config_build_from_source: 'true',
      }
      // The directory is named because this may run inside of another npm.
      const command = [
        'install',
        '--prefix',
        home,
        '--no-save',
        '--no-audit',
        '--no-fund',
        `${name}@${version}`,
      ]
      // The build starts as many compilers as it has files: other work comes first.
      await run('nice', ['-n', '15', 'npm', ...command], { cwd: home, env, maxBuffer: 2 ** 28 })
      // It finds its libraries beside itself, so it may be moved.
      return home
    })
    return { file: path.join(root, 'node_modules', name, 'lib', 'index.js') }
  } catch (error) {
    const missing = `the client of Kafka cannot be built: ${error instanceof Error ? error.message.slice(-2_000) : String(error)}`
    if (process.env['CI'] === 'true') throw new Error(missing, { cause: error })
    process.stderr.write(`skipped: ${missing}\n`)
    return { missing }
  }
}

/** The headers of this Node, if they are beside it. They would be fetched from outside the npm registry otherwise. */
function ownHeaders(): NodeJS.ProcessEnv {
  const home = path.resolve(process.execPath, '../..')
  return existsSync(path.join(home, 'include/node/node.h')) ? { npm_config_nodedir: home } : {}
}
