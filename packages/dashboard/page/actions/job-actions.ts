import type { Action, JobOverview, LogLevel } from '@millrace/control/contract'
import { graph, may } from '../live/job.ts'

/** An action that is asked for, and what the person must know and enter before it is sent. */
export interface JobAction {
  readonly title: string
  /** What happens then, as sentences. */
  readonly consequence: string
  readonly confirm: string
  readonly isDangerous: boolean
  /** What has to be entered; undefined if nothing. */
  readonly input?: {
    readonly label: string
    readonly choices?: readonly string[]
    readonly isOptional?: boolean
  }
  readonly actionOf: (input: string) => Action
}

/** The actions that fit what the job does now, as far as the caller may ask for them. */
export function jobActions(job: JobOverview): readonly JobAction[] {
  const sources = (graph.value?.operators ?? []).filter(({ kind }) => kind === 'source').map(({ id }) => id)
  const fitting: readonly JobAction[] = [
    checkpoint,
    savepoint,
    ...sources
      .filter((source) => !job.pausedSources.includes(source))
      .slice(0, 1)
      .map(() => pause(sources, job)),
    ...(job.pausedSources.length > 0 ? [resume(job.pausedSources)] : []),
    logLevel,
    drain,
    stop,
  ]
  return fitting.filter(({ actionOf }) => may(actionOf('').action))
}

/** Pauses one source, for example the one that is selected. */
export function pauseSource(source: string): JobAction {
  return {
    title: `Pause source ${source.slice(0, 60)}`,
    consequence:
      'It reads no more records until it is resumed. Checkpoints are still made, and nothing is lost.',
    confirm: 'Pause',
    isDangerous: false,
    actionOf: () => ({ action: 'pause', source }),
  }
}

/** Resumes one source. */
export function resumeSource(source: string): JobAction {
  return {
    title: `Resume source ${source.slice(0, 60)}`,
    consequence: 'It reads on from where it was paused.',
    confirm: 'Resume',
    isDangerous: false,
    actionOf: () => ({ action: 'resume', source }),
  }
}

function pause(sources: readonly string[], job: JobOverview): JobAction {
  return {
    ...pauseSource(''),
    title: 'Pause a source',
    input: { label: 'Source', choices: sources.filter((source) => !job.pausedSources.includes(source)) },
    actionOf: (source) => ({ action: 'pause', source }),
  }
}

function resume(paused: readonly string[]): JobAction {
  return {
    ...resumeSource(''),
    title: 'Resume a source',
    input: { label: 'Source', choices: paused },
    actionOf: (source) => ({ action: 'resume', source }),
  }
}

const checkpoint: JobAction = {
  title: 'Make a checkpoint',
  consequence: 'A checkpoint is made now, or after the one that runs. The job runs on meanwhile.',
  confirm: 'Make checkpoint',
  isDangerous: false,
  actionOf: () => ({ action: 'checkpoint' }),
}

const savepoint: JobAction = {
  title: 'Make a savepoint',
  consequence:
    'Everything that a later start needs is written into a directory of the server. The job runs on meanwhile.',
  confirm: 'Make savepoint',
  isDangerous: false,
  input: { label: 'Directory on the server (empty or missing)' },
  actionOf: (directory) => ({ action: 'savepoint', directory }),
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warning', 'error']

const logLevel: JobAction = {
  title: 'Change the log level',
  consequence: 'Lines below this level are not logged.',
  confirm: 'Change',
  isDangerous: false,
  input: { label: 'Level', choices: levels },
  actionOf: (level) => ({ action: 'logLevel', level: level as LogLevel }),
}

const drain: JobAction = {
  title: 'Drain and end',
  consequence:
    'The sources read no more, all windows and timers fire as at the end of input, and the job ends. Their results cannot be taken back: use stop to continue later.',
  confirm: 'Drain and end the job',
  isDangerous: true,
  actionOf: () => ({ action: 'drain' }),
}

const stop: JobAction = {
  title: 'Stop',
  consequence: 'A last checkpoint is made and the process ends. The next start continues from there.',
  confirm: 'Stop the job',
  isDangerous: true,
  input: { label: 'Savepoint directory (leave empty for none)', isOptional: true },
  actionOf: (directory) => (directory === '' ? { action: 'stop' } : { action: 'stop', savepoint: directory }),
}
