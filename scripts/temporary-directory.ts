import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { env } from 'node:process'

/** Gives the tests of one run a temporary directory of their own, and removes it after the last one. */
export default function setUp(): () => void {
  const before = env['TMPDIR']
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-'))
  env['TMPDIR'] = directory
  return () => {
    if (before === undefined) delete env['TMPDIR']
    else env['TMPDIR'] = before
    // A process that a failed test has left may still write.
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
