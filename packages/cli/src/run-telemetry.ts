import type * as OpenTelemetry from '@millrace/opentelemetry'
import type { CommandLine, Option } from './command.ts'
import { optionalPackage } from './optional-package.ts'

/** The option of `run` that sends metrics and traces. */
export const telemetryOption: Option = {
  name: 'opentelemetry',
  help: 'send metrics and traces to the global providers of OpenTelemetry',
}

/** What instruments a job, and makes spans of records. Rejects with `PACKAGE_MISSING`. */
export function loadTelemetry(): Promise<Pick<typeof OpenTelemetry, 'instrument' | 'recordTracer'>> {
  return optionalPackage(
    () => import('@millrace/opentelemetry'),
    '--opentelemetry needs packages that are not installed: npm install @millrace/opentelemetry @opentelemetry/api',
  )
}

/** The same if the command line asks for it. */
export async function telemetryOf(
  line: CommandLine,
): Promise<Awaited<ReturnType<typeof loadTelemetry>> | undefined> {
  return line.has(telemetryOption.name) ? loadTelemetry() : undefined
}
