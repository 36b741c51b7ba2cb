import type { instrument } from '@millrace/opentelemetry'
import type { CommandLine, Option } from './command.ts'
import { optionalPackage } from './optional-package.ts'

/** The option of `run` that sends metrics and traces. */
export const telemetryOption: Option = {
  name: 'opentelemetry',
  help: 'send metrics and traces to the global providers of OpenTelemetry',
}

/** What instruments a job, if the command line asks for it. Rejects with `PACKAGE_MISSING`. */
export async function telemetryOf(line: CommandLine): Promise<typeof instrument | undefined> {
  if (!line.has('opentelemetry')) return undefined
  const found = await optionalPackage(
    () => import('@millrace/opentelemetry'),
    '--opentelemetry needs packages that are not installed: npm install @millrace/opentelemetry @opentelemetry/api',
  )
  return found.instrument
}
