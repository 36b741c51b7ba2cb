import { diag, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import { describeError } from '@millrace/core'

/** The name under which providers know what Millrace sends. */
export const scope = '@millrace/opentelemetry'

/** Telemetry never decides whether a job lives: an error is reported to `diag`, and the result is undefined. */
export function guarded<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    diag.error(`${scope}: ${describeError(error)}`)
    return undefined
  }
}

interface Flushed {
  forceFlush?: () => Promise<void>
}

/** Asks a provider to export what it holds. Never rejects. */
export async function flushed(provider: MeterProvider | TracerProvider): Promise<void> {
  // Providers of an SDK have `forceFlush`, those of the API do not. The global provider of traces wraps another one.
  const given = provider as Flushed & { getDelegate?: () => Flushed }
  try {
    await (given.getDelegate?.() ?? given).forceFlush?.()
  } catch (error) {
    diag.error(`${scope}: ${describeError(error)}`)
  }
}
