import type { RestoredJob } from '../checkpoint/restored-job.ts'
import type { Plan, SourceTaskPlan, TaskPlan } from '../plan/plan.ts'
import { AsyncTask } from './async-task.ts'
import type { TaskWiring } from '../exchange/wiring.ts'
import { ChainTask } from './chain-task.ts'
import { SinkTask } from './sink-task.ts'
import { SourceTask } from './source-task.ts'
import { groupsOf } from './event-time-watch.ts'
import { AlignedSources, Alignment } from './source-alignment.ts'
import type { Task, TaskSurroundings } from './task.ts'

/** The subtasks of a worker: all of them, and by kind. */
export interface Tasks {
  readonly all: readonly Task[]
  readonly sources: readonly SourceTask[]
  readonly sinks: readonly SinkTask[]
  /** By the number of their task. */
  readonly byTask: readonly (readonly Task[])[]
  readonly alignment: Alignment
}

/** The sources to be aligned: those that meet one with a limit. A source without event times meets none. */
function alignmentOf(plan: Plan): Alignment {
  const groups = groupsOf(plan)
  const timed = plan.tasks.filter(
    (task) => task.kind === 'source' && task.stamp !== undefined,
  ) as SourceTaskPlan[]
  const limited = timed.filter(({ stamp }) => stamp!.node.timestamps.maxDriftMs !== undefined)
  const aligned = new Map(limited.map(({ name }) => [groups.get(name)!, new AlignedSources()]))
  const bySource = timed.flatMap(({ name }) => {
    const group = aligned.get(groups.get(name)!)
    return group === undefined ? [] : [[name, group] as const]
  })
  return new Alignment(aligned, new Map(bySource))
}

/** Makes the subtasks of a plan that are wired. */
export function makeTasks(
  plan: Plan,
  wiring: readonly (readonly (TaskWiring | undefined)[])[],
  around: TaskSurroundings,
  restored: RestoredJob,
): Tasks {
  const alignment = alignmentOf(plan)
  const sources: SourceTask[] = []
  const sinks: SinkTask[] = []
  const make = (task: TaskPlan, subtask: number, wires: TaskWiring): Task => {
    switch (task.kind) {
      case 'source': {
        const entry = restored.source(task.name)
        const source = new SourceTask(task, subtask, wires, around, entry, alignment.of(task.name))
        sources.push(source)
        return source
      }
      case 'chain':
        return new ChainTask(task, subtask, wires, around)
      case 'async':
        return new AsyncTask(task, subtask, wires, around)
      case 'sink': {
        const sink = new SinkTask(task, subtask, wires, around, restored.sink(task.name))
        sinks.push(sink)
        return sink
      }
    }
  }
  const byTask = plan.tasks.map((task) =>
    wiring[task.index]!.flatMap((wires, subtask) =>
      wires === undefined ? [] : [make(task, subtask, wires)],
    ),
  )
  return { all: byTask.flat(), sources, sinks, byTask, alignment }
}
