import type { DeadLetter } from '@millrace/core/operator'
import { describeCases, sinkConformance, type SimFs } from '@millrace/testkit'
import { describe, test } from 'vitest'
import { letterLog } from './letter-log.ts'
import { readLetters } from './letters.ts'

const letter = (n: number): DeadLetter => ({ value: String(n) }) as DeadLetter

/** The directories in which the kit's sinks keep their files. */
function logsIn(fs: SimFs): readonly string[] {
  const directories = fs.paths().map((path) => path.slice(0, path.lastIndexOf('/')))
  return [...new Set(directories.filter((path) => path.includes('/connectors/') || path !== ''))]
}

describeCases(
  'the log of dead letters',
  sinkConformance({
    features: { guarantee: 'exactly-once', keepsFiles: true, severalSubtasks: true },
    create: async () => ({
      sink: () => letterLog,
      record: letter,
      visible: async (fs) => {
        const logs = await Promise.all(logsIn(fs).map((directory) => readLetters(fs, directory)))
        return logs.flat().map(({ value }) => Number(value))
      },
    }),
  }),
  { describe, test },
)
