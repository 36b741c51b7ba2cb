import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiFailure, read, type Parts, type Query } from './api.ts'
import type { RouteName } from '@millrace/control/contract'

/** What a route answers, read again and again while it is shown. */
export interface Polled<Answer> {
  /** The last answer; undefined before the first one. */
  readonly data: Answer | undefined
  /** Why the last try failed; undefined if it did not. */
  readonly failure: ApiFailure | undefined
  /** Reads now. */
  readonly reload: () => void
}

/** Reads a route now and every `everyMs` milliseconds (0: once), and at once when what is asked for changes. */
export function usePolled<Answer>(
  route: RouteName,
  parts: Parts | undefined,
  query: Query = {},
  everyMs: number = 2_000,
): Polled<Answer> {
  const asked = parts === undefined ? '' : JSON.stringify([route, parts, query])
  const [state, setState] = useState<{ asked: string; data?: Answer; failure?: ApiFailure }>({ asked })
  const reload = useRef<() => void>(() => {})
  useEffect(() => {
    if (parts === undefined) return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const load = async (): Promise<void> => {
      clearTimeout(timer)
      if (!document.hidden) {
        try {
          setState({ asked, data: await read<Answer>(route, parts, query, abort.signal) })
        } catch (error) {
          if (abort.signal.aborted) return
          if (!(error instanceof ApiFailure)) throw error
          setState((old) => ({ ...(old.asked === asked ? old : { asked }), failure: error }))
        }
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = setTimeout(() => void load(), everyMs)
    }
    reload.current = () => void load()
    void load()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [asked, everyMs])
  const isCurrent = state.asked === asked
  return {
    data: isCurrent ? state.data : undefined,
    failure: isCurrent ? state.failure : undefined,
    reload: () => reload.current(),
  }
}
