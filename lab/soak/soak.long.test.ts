import { execFile } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const main = path.join(import.meta.dirname, 'main.ts')

/** Runs in its own process, because its resources are measured. */
function soak(name: string): Promise<{ readonly code: unknown; readonly said: string }> {
  const args = ['--expose-gc', '--import', 'tsx', main, 'short', name]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: import.meta.dirname }, (error, out, err) => {
      process.stdout.write(out)
      resolve({ code: error === null ? 0 : error.code, said: out + err })
    })
  })
}

describe('a long-running job', () => {
  test.each(['stalled-sink', 'stalled-sink-and-checkpoints-given-up'])(
    '%s: memory is flat, nothing is lost, and records flow at once when the sink recovers',
    async (name) => {
      const { code, said } = await soak(name)
      expect(said).toContain('each once')
      expect(said).not.toContain('does not hold')
      expect(code).toBe(0)
    },
    1_800_000,
  )

  test('overwrites: the disk uses less than three times the live bytes; memory and open files are flat', async () => {
    const { code, said } = await soak('overwrites')
    expect(said).toMatch(/disk at most \d\.\d+x live bytes/)
    expect(said).not.toContain('does not hold')
    expect(code).toBe(0)
  }, 1_800_000)
})
