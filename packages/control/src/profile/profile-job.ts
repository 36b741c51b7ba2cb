import type { CallFrame } from '@millrace/core/disk'
import type { ThreadProfile } from '@millrace/core/job'
import type { FunctionProfile, JobProfile, SubtaskState } from '../contract/profile.ts'
import type { SubtaskFigures } from '../contract/figures.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { ownedSamples, type SampleOwner } from './owners.ts'
import { ProfileFileWriter } from './profile-file.ts'

const functionsShown = 5

/** Samples for some seconds what a job runs, and says what each part costs. Rejects as `Job.profile`. */
export async function profileJob(watched: WatchedJob, seconds: number): Promise<JobProfile> {
  watched.measure()
  const before = recordsOf(watched)
  const profiles = await watched.job.profile(seconds * 1_000)
  watched.measure()
  return jobProfile(watched, profiles, before)
}

function recordsOf(watched: WatchedJob): ReadonlyMap<string, number> {
  return new Map(watched.figures().operators.map(({ operator, recordsIn }) => [operator, recordsIn]))
}

/** What profiles of the threads say about the parts of a job. `before`: the records of each part when they began. */
export function jobProfile(
  watched: WatchedJob,
  profiles: readonly ThreadProfile[],
  before: ReadonlyMap<string, number>,
): JobProfile {
  const costs = new Costs()
  const threads = profiles.map((profile) => {
    const file = new ProfileFileWriter()
    let [busyUs, idleUs] = [0, 0]
    for (const sample of ownedSamples(profile, watched.graph)) {
      file.add(sample)
      if (sample.owner.kind === 'idle') idleUs += sample.us
      else {
        busyUs += sample.us
        costs.add(sample.owner, sample.stack.at(-1), sample.us)
      }
    }
    return {
      thread: profile.worker,
      cpuMs: busyUs / 1_000,
      idleMs: idleUs / 1_000,
      profile: file.file(profile),
    }
  })
  const cpuMs = threads.reduce((sum, thread) => sum + thread.cpuMs, 0)
  const spans = profiles.map(({ cpu }) => (cpu.endTime - cpu.startTime) / 1_000)
  return {
    durationMs: Math.max(0, ...spans),
    cpuMs,
    operators: operatorsOf(watched, costs, { cpuMs, before }),
    others: costs.others(),
    subtasks: subtasksOf(watched),
    threads,
  }
}

function operatorsOf(
  watched: WatchedJob,
  costs: Costs,
  { cpuMs, before }: { readonly cpuMs: number; readonly before: ReadonlyMap<string, number> },
): JobProfile['operators'] {
  const figures = new Map(watched.figures().operators.map((each) => [each.operator, each]))
  const rows = watched.graph.operators.map(({ id, task }) => {
    const own = costs.operator(id)
    const now = figures.get(id)
    // A restarted job counts from 0 again.
    const records = Math.max(0, (now?.recordsIn ?? 0) - (before.get(id) ?? 0))
    return {
      operator: id,
      task,
      cpuMs: own.cpuMs,
      share: cpuMs === 0 ? 0 : own.cpuMs / cpuMs,
      records,
      nsPerRecord: records === 0 ? null : (own.cpuMs * 1e6) / records,
      stateBytes: now?.stateBytes ?? null,
      functions: own.functions,
    }
  })
  return rows.toSorted((a, b) => b.cpuMs - a.cpuMs)
}

interface Cost {
  us: number
  /** By place: the own time of functions. */
  readonly functions: Map<string, { readonly name: string; readonly place: string; us: number }>
}

interface ShownCost {
  readonly cpuMs: number
  readonly functions: readonly FunctionProfile[]
}

/** CPU time by owner and function. */
class Costs {
  readonly #operators = new Map<string, Cost>()
  readonly #others = new Map<string, Cost>()

  add({ kind, name }: SampleOwner, frame: CallFrame | undefined, us: number): void {
    const costs = kind === 'operator' ? this.#operators : this.#others
    let cost = costs.get(name)
    if (cost === undefined) costs.set(name, (cost = { us: 0, functions: new Map() }))
    cost.us += us
    if (frame === undefined) return
    const place = placeText(frame)
    const key = `${frame.functionName} ${place}`
    const known = cost.functions.get(key)
    if (known === undefined) {
      cost.functions.set(key, { name: frame.functionName || '(anonymous)', place, us })
    } else known.us += us
  }

  operator(name: string): ShownCost {
    return shown(this.#operators.get(name))
  }

  others(): JobProfile['others'] {
    return Array.from(this.#others, ([name, cost]) => ({ name, ...shown(cost) })).toSorted(
      (a, b) => b.cpuMs - a.cpuMs,
    )
  }
}

function shown(cost: Cost | undefined): ShownCost {
  if (cost === undefined) return { cpuMs: 0, functions: [] }
  const functions = [...cost.functions.values()].toSorted((a, b) => b.us - a.us).slice(0, functionsShown)
  return {
    cpuMs: cost.us / 1_000,
    functions: functions.map(({ name, place, us }) => ({ name, place, cpuMs: us / 1_000 })),
  }
}

/** The file without what a loader adds to its name, and the line. */
function placeText({ url, lineNumber }: CallFrame): string {
  if (url === '') return ''
  return `${url.replace(/^file:\/\//, '').replace(/\?[^/]*$/, '')}:${lineNumber + 1}`
}

function subtasksOf(watched: WatchedJob): readonly SubtaskState[] {
  return watched.graph.tasks.flatMap(({ task }) =>
    (watched.detail(task)?.subtasks ?? []).map((each) => stateOf(task, each)),
  )
}

function stateOf(task: string, { subtask, shares, queued, watermark }: SubtaskFigures): SubtaskState {
  return { task, subtask, doing: doing(shares), ...shares, queued, watermark }
}

function doing({ busy, backPressured, idle, waiting }: SubtaskFigures['shares']): string {
  const most = Math.max(busy, backPressured, idle, waiting)
  if (most === busy) return 'busy'
  if (most === backPressured) return 'waits for room at the next task'
  return most === idle ? 'waits for input' : 'has input, and waits for the event loop'
}
