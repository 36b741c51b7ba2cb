import { performance } from 'node:perf_hooks'
import type { Session as InspectorSession } from 'node:inspector'
import { describeError, MillraceError } from '@millrace/core'
import type { CpuProfile, Profiler } from '@millrace/core/disk'

/** How often V8 looks at what runs, in microseconds. */
const samplingIntervalUs = 500

/** The sampling profiler of V8, for the calling thread. */
export const nodeProfiler: Profiler = {
  async start() {
    const session = await openSession()
    let startedAtMs: number
    try {
      await post(session, 'Profiler.enable')
      await post(session, 'Profiler.setSamplingInterval', { interval: samplingIntervalUs })
      startedAtMs = performance.now()
      await post(session, 'Profiler.start')
    } catch (error) {
      session.disconnect()
      throw unusable(error)
    }
    return {
      stop: async () => {
        try {
          const { profile } = (await post(session, 'Profiler.stop')) as { readonly profile: CpuProfile }
          return { ...profile, startedAtMs }
        } finally {
          session.disconnect()
        }
      },
    }
  },
}

/** Opens a session of this thread with itself. The inspector is loaded only when it is used. */
async function openSession(): Promise<InspectorSession> {
  try {
    const { Session } = await import('node:inspector')
    const session = new Session()
    session.connect()
    return session
  } catch (error) {
    throw unusable(error)
  }
}

function unusable(error: unknown): MillraceError {
  return new MillraceError(
    'OPTION_INVALID',
    `this Node has no profiler that can be used: ${describeError(error)}. Use a Node that is built with the inspector`,
    { cause: error },
  )
}

function post(session: InspectorSession, method: string, parameters: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => {
      if (error === null) resolve(result)
      else reject(error)
    })
  })
}
