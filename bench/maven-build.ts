import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../scripts/services/cache.ts'

const execute = promisify(execFile)

/** Compiles a Java program in the user's cache, at the first use of this name. Returns its class path. */
export async function mavenBuild(name: string, source: string): Promise<string> {
  const built = await cached(name, async (work) => {
    const home = path.join(work, 'build')
    await execute('cp', ['-r', source, home])
    await execute('mvn', ['--quiet', '--batch-mode', 'compile', 'dependency:copy-dependencies'], {
      cwd: home,
    })
    return home
  })
  const target = path.join(built, 'target')
  return `${path.join(target, 'classes')}:${path.join(target, 'dependency')}/*`
}
