import {
  pathOf,
  type Action,
  type ActionResult,
  type ApiError,
  type RouteName,
} from '@millrace/control/contract'

/** The API is beside the page, wherever both are served. */
const base = new URL('.', location.href)

/** An answer that is an error, or none at all (status 0). */
export class ApiFailure extends Error {
  readonly status: number
  readonly code: string
  readonly docs: string | null

  constructor(status: number, error: ApiError['error']) {
    super(error.message)
    this.name = 'ApiFailure'
    this.status = status
    this.code = error.code
    this.docs = error.docs
  }
}

export type Parts = Readonly<Record<string, string>>
export type Query = Readonly<Record<string, string | number | undefined>>

/** The address of a route, relative to the page. */
export function addressOf(route: RouteName, parts: Parts = {}, query: Query = {}): string {
  const url = new URL(`.${pathOf(route, parts)}`, base)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
  }
  return url.href
}

/** Reads a route. */
export async function read<Answer>(
  route: RouteName,
  parts: Parts = {},
  query: Query = {},
  signal?: AbortSignal,
): Promise<Answer> {
  return (await request(addressOf(route, parts, query), signal === undefined ? {} : { signal })) as Answer
}

/** Sends an action. */
export async function act(job: string, action: Action): Promise<ActionResult> {
  return (await request(addressOf('actions', { job }), post(action))) as ActionResult
}

/** Signs in with a token, as a form would: the server answers with a cookie, and leads to the page that is open. */
export async function signIn(token: string): Promise<void> {
  await request(addressOf('login'), {
    method: 'POST',
    body: new URLSearchParams({ token }),
    redirect: 'manual',
  })
}

function post(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

async function request(address: string, init: RequestInit): Promise<unknown> {
  let response: Response
  let text: string
  try {
    response = await fetch(address, { credentials: 'same-origin', cache: 'no-store', ...init })
    text = await response.text()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiFailure(0, { code: 'UNREACHABLE', message: 'The job does not answer.', docs: null })
  }
  if (response.type === 'opaqueredirect') return undefined
  if (response.ok) return text === '' ? undefined : JSON.parse(text)
  throw new ApiFailure(response.status, errorIn(text, response.status))
}

/** What a refused answer says. */
export async function failureOf(response: Response): Promise<ApiFailure> {
  return new ApiFailure(response.status, errorIn(await response.text(), response.status))
}

function errorIn(text: string, status: number): ApiError['error'] {
  try {
    const { error } = JSON.parse(text) as ApiError
    if (typeof error.message === 'string') return error
  } catch {
    // Not from the API: a proxy, for example.
  }
  return { code: `HTTP_${status}`, message: `The server answered with status ${status}.`, docs: null }
}
