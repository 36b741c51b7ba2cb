import { readFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import path from 'node:path'
import { pageDirectory } from '@millrace/dashboard'
import { routes, type Action, type JobOverview, type Role, type RouteName } from '@millrace/control/contract'
import { answerOf, recordsOf, resultOf } from './answers.ts'
import { figuresAt, overviewAt } from './figures.ts'
import type { MadeUpPipeline } from './pipelines.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The policy under which the page must work: nothing from elsewhere, nothing inline. */
const policy =
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** A server that speaks the contract of the control API about a job that does not exist. */
export class MadeUpJob {
  /** The actions that were asked for. */
  readonly actions: Action[] = []
  /** Every path that was asked for, in order. */
  readonly requests: string[] = []
  /** What the caller may do. */
  role: Role = 'admin'
  /** Why every action fails; undefined: it does not. */
  refusal: string | undefined
  /** The peeks that are open. */
  readonly peeks = new Set<http.ServerResponse>()
  readonly #pipeline: MadeUpPipeline
  readonly #token: string | undefined
  readonly #server: http.Server
  readonly #streams = new Set<http.ServerResponse>()
  readonly #sockets = new Set<Socket>()
  #port = 0
  #tick = 0
  #changed: Partial<JobOverview> = {}

  private constructor(pipeline: MadeUpPipeline, token: string | undefined) {
    this.#pipeline = pipeline
    this.#token = token
    this.#server = http.createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Starts on a free port of loopback. With a token nothing is answered before it was sent. */
  static async start(pipeline: MadeUpPipeline, token?: string): Promise<MadeUpJob> {
    const job = new MadeUpJob(pipeline, token)
    await job.up()
    return job
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  /** Answers; after `down` at the same address. */
  up(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (this.#server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  /** Stops answering, and ends the streams that are open. */
  down(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  /** Lets so many seconds pass: each sends figures to the pages that are open. */
  tick(seconds: number = 1): void {
    for (let second = 0; second < seconds; second++) {
      this.#tick++
      this.#sendFigures(this.#streams)
    }
  }

  /** Changes what the job says of itself from the next second on. */
  change(changed: Partial<JobOverview>): void {
    this.#changed = { ...this.#changed, ...changed }
  }

  /** Sends an event to the pages that are open. */
  send(event: string, data: unknown, to: Iterable<http.ServerResponse> = this.#streams): void {
    for (const stream of to) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #sendFigures(to: Iterable<http.ServerResponse>): void {
    this.send('status', overviewAt(this.#pipeline, this.#tick, this.#changed), to)
    this.send('metrics', figuresAt(this.#pipeline, this.#tick), to)
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    this.requests.push(url.pathname)
    const route = routeOf(url.pathname)
    if (route === undefined) return sendFile(url.pathname, response)
    if (route.name === 'login') return this.#signIn(await bodyOf(request), response)
    if (this.#token !== undefined && request.headers.cookie !== 'millrace=in') {
      return sendError(response, 401, 'UNAUTHORIZED', 'Sign in first.')
    }
    if (route.name === 'stream') return this.#openStream(response)
    if (route.name === 'peek') return this.#openPeek(route.parts['operator']!, url.searchParams, response)
    if (route.name === 'actions') return this.#act(await bodyOf(request), response)
    const moment = { pipeline: this.#pipeline, tick: this.#tick, role: this.role, changed: this.#changed }
    const answer = answerOf(route.name, route.parts, url.searchParams, moment)
    if (answer === undefined) return sendError(response, 404, 'NOT_FOUND', 'There is no such thing.')
    sendJson(response, 200, answer)
  }

  #signIn(body: string, response: http.ServerResponse): void {
    if (new URLSearchParams(body).get('token') !== this.#token)
      return sendError(response, 401, 'UNAUTHORIZED', 'This token is not right.')
    response.setHeader('set-cookie', 'millrace=in; HttpOnly; SameSite=Strict; Path=/')
    response.writeHead(303, { location: '/' }).end()
  }

  #openStream(response: http.ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
    this.#sendFigures([response])
  }

  /** Sends some records, and stays open. */
  #openPeek(operator: string, query: URLSearchParams, response: http.ServerResponse): void {
    const key = query.get('key')
    if (key === 'none') return sendError(response, 400, 'OPTION_INVALID', 'The records have no key.')
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    this.peeks.add(response)
    response.once('close', () => this.peeks.delete(response))
    for (const record of recordsOf(this.#pipeline, operator, key ?? ''))
      this.send('record', record, [response])
    this.send('progress', { seen: 1_204, matched: key === null ? 1_204 : 3, shown: 3 }, [response])
  }

  #act(body: string, response: http.ServerResponse): void {
    if (this.role === 'viewer') return sendError(response, 403, 'FORBIDDEN', 'A viewer may not act.')
    if (this.refusal !== undefined) return sendError(response, 409, 'ACTION_REFUSED', this.refusal)
    const action = JSON.parse(body) as Action
    this.actions.push(action)
    sendJson(response, 200, resultOf(action))
  }
}

interface Match {
  readonly name: RouteName
  readonly parts: Readonly<Record<string, string>>
}

/** The route of a path; fixed parts win over named ones. */
function routeOf(pathname: string): Match | undefined {
  const matches: Match[] = []
  for (const [name, pattern] of Object.entries(routes) as [RouteName, string][]) {
    const wanted = pattern.split('/')
    const given = pathname.split('/')
    if (wanted.length !== given.length) continue
    const parts: Record<string, string> = {}
    const fits = wanted.every((part, index) => {
      if (!part.startsWith(':')) return part === given[index]
      parts[part.slice(1)] = decodeURIComponent(given[index]!)
      return true
    })
    if (fits) matches.push({ name, parts })
  }
  return matches.sort((a, b) => Object.keys(a.parts).length - Object.keys(b.parts).length)[0]
}

async function sendFile(pathname: string, response: http.ServerResponse): Promise<void> {
  const file = new URL(`.${pathname === '/' ? '/index.html' : pathname}`, pageDirectory)
  try {
    const content = await readFile(file)
    response.writeHead(200, {
      'content-type': types[path.extname(file.pathname)] ?? 'application/octet-stream',
      'content-security-policy': policy,
    })
    response.end(content)
  } catch {
    response.writeHead(404).end()
  }
}

function sendJson(response: http.ServerResponse, status: number, answer: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer))
}

function sendError(response: http.ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { code, message, docs: null } })
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}
