import type { RestoredJob } from '../checkpoint/restored-job.ts'
import type { Plan, SourceTaskPlan } from '../plan/plan.ts'
import { AsyncTask } from './async-task.ts'
import type { TaskWiring } from '../exchange/wiring.ts'
import { ChainTask } from './chain-task.ts'
import { SinkTask } from './sink-task.ts'
import { SourceTask } from './source-task.ts'
import { groupsOf } from './event-time-watch.ts'
import { AlignedSources } from './source-alignment.ts'
import type { Task, TaskSurroundings } from './task.ts'

/** The subtasks of a job: all of them, and by kind. */
export interface Tasks {
  readonly all: readonly Task[]
  readonly sources: readonly SourceTask[]
  readonly sinks: readonly SinkTask[]
}

/** The sources to be aligned, by name: those that meet one with a limit. A source without event times meets none. */
function alignedSourcesOf(plan: Plan): ReadonlyMap<string, AlignedSources> {
  const groups = groupsOf(plan)
  const timed = plan.tasks.filter(
    (task) => task.kind === 'source' && task.stamp !== undefined,
  ) as SourceTaskPlan[]
  const limited = timed.filter(({ stamp }) => stamp!.node.timestamps.maxDriftMs !== undefined)
  const aligned = new Map(limited.map(({ name }) => [groups.get(name)!, new AlignedSources()]))
  return new Map(
    timed.flatMap(({ name }) => {
      const group = aligned.get(groups.get(name)!)
      return group === undefined ? [] : [[name, group] as const]
    }),
  )
}

/** Makes every subtask of a plan. */
export function makeTasks(
  plan: Plan,
  wiring: readonly (readonly TaskWiring[])[],
  around: TaskSurroundings,
  restored: RestoredJob,
): Tasks {
  const aligned = alignedSourcesOf(plan)
  const sources: SourceTask[] = []
  const sinks: SinkTask[] = []
  const all: Task[] = []
  for (const task of plan.tasks) {
    for (let subtask = 0; subtask < plan.parallelism; subtask++) {
      const wires = wiring[task.index]![subtask]!
      switch (task.kind) {
        case 'source': {
          const source = new SourceTask(
            task,
            subtask,
            wires,
            around,
            restored.source(task.name),
            aligned.get(task.name),
          )
          sources.push(source)
          all.push(source)
          break
        }
        case 'chain':
          all.push(new ChainTask(task, subtask, wires, around))
          break
        case 'async':
          all.push(new AsyncTask(task, subtask, wires, around))
          break
        case 'sink': {
          const sink = new SinkTask(task, subtask, wires, around, restored.sink(task.name))
          sinks.push(sink)
          all.push(sink)
        }
      }
    }
  }
  return { all, sources, sinks }
}
