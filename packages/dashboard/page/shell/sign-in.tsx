import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiFailure, signIn } from '../live/api.ts'
import { start } from '../live/job.ts'
import { FailureNotice } from '../parts/notice.tsx'

/** Asks for the token. The server keeps the session in a cookie that scripts cannot read. */
export function SignIn(): JSX.Element {
  const [failure, setFailure] = useState<ApiFailure>()
  const [token, setToken] = useState('')
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    try {
      await signIn(token)
      await start()
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error)
    }
  }
  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>Sign in to this job</h1>
        <p class="muted">The token is the one that the job was started with.</p>
        <label>
          Token
          <input
            type="password"
            autocomplete="current-password"
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {failure === undefined ? null : <FailureNotice failure={failure} />}
        <button type="submit" class="button primary">
          Sign in
        </button>
      </form>
    </main>
  )
}
