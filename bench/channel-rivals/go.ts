import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** The Go program in `bench/channel-rivals/go`, built with the machine's own Go. */
export interface GoProgram {
  /** Go's version, such as `1.26.8`. */
  readonly version: string
  /** Runs one shape, and returns the number that it prints. */
  readonly run: (shape: string, operations: number, processors?: number) => number
}

/** Builds the program. If that fails, prints the reason to standard error and returns undefined. */
export function buildGo(): GoProgram | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-go-'))
  process.on('exit', () => rmSync(directory, { recursive: true }))
  const program = path.join(directory, 'main')
  // The installed version: Go would otherwise download a newer one if the module requires it.
  const environment = { ...process.env, GOTOOLCHAIN: 'local' }
  try {
    const cwd = path.join(import.meta.dirname, 'go')
    execFileSync('go', ['build', '-o', program, '.'], { cwd, env: environment, stdio: 'pipe' })
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    console.error(`compared without Go: ${isAbsent ? 'go is not on the PATH' : String(error)}`)
    return undefined
  }
  const version = execFileSync('go', ['env', 'GOVERSION'], { env: environment, encoding: 'utf8' })
  return {
    version: version.trim().replace(/^go/, ''),
    run: (shape, operations, processors) => {
      const env = processors === undefined ? environment : { ...environment, GOMAXPROCS: String(processors) }
      return Number(execFileSync(program, [shape, String(operations)], { env, encoding: 'utf8' }))
    },
  }
}
