import { computed, signal } from '@preact/signals'
import {
  rightOfAction,
  type Action,
  type Diagnosis,
  type EventRow,
  type JobFigures,
  type JobGraph,
  type JobHistory,
  type JobOverview,
  type LogRow,
  type OperatorFigures,
  type Session,
  type TaskFigures,
} from '@millrace/control/contract'
import { ApiFailure, read } from './api.ts'
import { Connection } from './connection.ts'
import { history } from './history.ts'

export const session = signal<Session | null>(null)
/** The job that is shown; null before the list of jobs was read. */
export const jobName = signal<string | null>(null)
export const jobNames = signal<readonly string[]>([])
export const overview = signal<JobOverview | null>(null)
export const graph = signal<JobGraph | null>(null)
export const figures = signal<JobFigures | null>(null)
export const diagnosis = signal<Diagnosis | null>(null)
/** The newest events and lines of the log, the oldest first. */
export const events = signal<readonly EventRow[]>([])
export const logs = signal<readonly LogRow[]>([])
/** Whether the server asks for a token. */
export const isSignedOut = signal(false)
/** Why nothing can be shown yet. */
export const startFailure = signal<ApiFailure | null>(null)

/** Whether the caller may ask for an action. */
export function may(action: Action['action']): boolean {
  return session.value?.rights.includes(rightOfAction[action]) === true
}

/** Whether the caller may see live records. */
export function mayPeek(): boolean {
  return session.value?.rights.includes('peek') === true
}

/** The server's clock at the last figures. Ages are differences to it. */
export const now = computed(() => figures.value?.at ?? session.value?.now ?? Date.now())

export const operatorFigures = computed(() => {
  const byOperator = new Map<string, OperatorFigures>()
  for (const each of figures.value?.operators ?? []) byOperator.set(each.operator, each)
  return byOperator
})

export const taskFigures = computed(() => {
  const byTask = new Map<string, TaskFigures>()
  for (const each of figures.value?.tasks ?? []) byTask.set(each.task, each)
  return byTask
})

const eventsMax = 1_000
const logsMax = 2_000
const diagnoseEveryMs = 3_000
/** The parts of a job that several workers run come and go. */
const listEveryMs = 5_000

let connection: Connection | undefined
let diagnosing: ReturnType<typeof setInterval> | undefined
let listing: ReturnType<typeof setInterval> | undefined

/** Reads who is asking and which jobs there are, and shows one of them. */
export async function start(): Promise<void> {
  try {
    session.value = await read<Session>('session')
    isSignedOut.value = false
    await readNames()
    listing ??= setInterval(() => void quietly(followNames), listEveryMs)
    startFailure.value = null
    const first = jobNames.value[0]
    if (first === undefined) setTimeout(() => void start(), 2_000)
    else if (jobName.value === null || !jobNames.value.includes(jobName.value)) show(first)
    else connection?.tryNow()
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    if (error.status === 401) {
      isSignedOut.value = true
      return
    }
    startFailure.value = error
    setTimeout(() => void start(), 2_000)
  }
}

async function readNames(): Promise<void> {
  const { jobs } = await read<{ jobs: readonly { job: string }[] }>('jobs')
  jobNames.value = jobs.map(({ job }) => job).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** Reads which jobs there are now, and shows another one where the job that was shown is gone. */
async function followNames(): Promise<void> {
  if (document.hidden) return
  await readNames()
  const [first] = jobNames.value
  if (first !== undefined && !jobNames.value.includes(jobName.value ?? '')) show(first)
}

/** Shows a job: drops what is known of another, and opens its stream. */
export function show(job: string): void {
  connection?.close()
  clearInterval(diagnosing)
  jobName.value = job
  overview.value = graph.value = figures.value = diagnosis.value = null
  events.value = []
  logs.value = []
  history.clear()
  connection = new Connection(job, {
    onStatus: (each) => (overview.value = each),
    onFigures: (each) => {
      figures.value = each
      history.add(each, overview.value)
    },
    onEvent: (each) => (events.value = appended(events.value, each, eventsMax)),
    onLog: (each) => (logs.value = appended(logs.value, each, logsMax)),
    onOpen: () => void refresh(job),
    onLost: () => void checkSession(),
  })
  diagnosing = setInterval(() => void diagnose(job), diagnoseEveryMs)
}

/** Tries to connect now. */
export function reconnect(): void {
  connection?.tryNow()
}

async function refresh(job: string): Promise<void> {
  await Promise.all([
    quietly(async () => {
      graph.value = await read<JobGraph>('graph', { job })
    }),
    quietly(async () => history.begin(await read<JobHistory>('history', { job }))),
    quietly(async () => {
      const page = await read<{ events: readonly EventRow[] }>('events', { job }, { limit: eventsMax })
      events.value = merged(events.value, page.events, eventsMax)
    }),
    quietly(async () => {
      const page = await read<{ lines: readonly LogRow[] }>('logs', { job }, { limit: logsMax })
      logs.value = merged(logs.value, page.lines, logsMax)
    }),
    diagnose(job),
  ])
}

async function diagnose(job: string): Promise<void> {
  if (document.hidden) return
  await quietly(async () => {
    const found = await read<Diagnosis>('doctor', { job })
    if (jobName.value === job) diagnosis.value = found
  })
}

/** A stream that breaks may have been refused: only a request says with which status. */
async function checkSession(): Promise<void> {
  try {
    session.value = await read<Session>('session')
    await followNames()
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 401) isSignedOut.value = true
  }
}

/** What the page reads in the background may fail: the banner of the connection says so. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
  }
}

interface Numbered {
  readonly id: number
}

function appended<Row extends Numbered>(rows: readonly Row[], row: Row, most: number): readonly Row[] {
  const last = rows.at(-1)
  if (last !== undefined && row.id <= last.id) return merged(rows, [row], most)
  return [...(rows.length >= most ? rows.slice(rows.length - most + 1) : rows), row]
}

function merged<Row extends Numbered>(a: readonly Row[], b: readonly Row[], most: number): readonly Row[] {
  const byId = new Map<number, Row>()
  for (const row of [...a, ...b]) byId.set(row.id, row)
  return [...byId.values()].sort((one, other) => one.id - other.id).slice(-most)
}
