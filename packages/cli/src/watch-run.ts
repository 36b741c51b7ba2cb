import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import type { Clock } from '@millrace/world'
import { systemClock } from '@millrace/world'
import type { CommandLine } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { LogLines } from './log-lines.ts'
import type { Outputs } from './outputs.ts'
import { planOptions } from './run-options.ts'
import { watchedVariable, type SourceReport } from './report-source.ts'
import type { Signals } from './signals.ts'
import { WatchedFiles } from './watched-files.ts'

/**
 * Runs a pipeline in a process of its own, and replaces that process when the file or a local module that it imports has changed:
 * the job is stopped with a checkpoint, and the new program resumes from there.
 *
 * The new program is checked first, while the old one runs: a file that cannot be loaded, or whose program cannot continue from
 * the checkpoint, changes nothing but what is printed.
 */
export async function watchRun(line: CommandLine, outputs: Outputs, signals: Signals): Promise<ExitCode> {
  const run = new WatchedRun(line, new LogLines(outputs.stderr, systemClock, line.has('json')), outputs)
  signals.beforeLeaving = () => run.kill()
  try {
    return await run.untilStopped(signals.stop)
  } finally {
    run[Symbol.dispose]()
  }
}

type News = 'changed' | 'ended' | 'stopped'

/** How a child ended. */
interface Ended {
  readonly code: ExitCode
  readonly out: string
}

/** The command in a process of its own. */
interface Child {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

class WatchedRun implements Disposable {
  readonly #line: CommandLine
  readonly #lines: LogLines
  readonly #outputs: Outputs
  readonly #clock: Clock = systemClock
  readonly #files: WatchedFiles
  #job: Child | undefined
  #hasChanged = false
  #lastCode: ExitCode = exitCodes.done
  #wake = (): void => {}

  constructor(line: CommandLine, lines: LogLines, outputs: Outputs) {
    this.#line = line
    this.#lines = lines
    this.#outputs = outputs
    this.#files = new WatchedFiles(this.#clock, () => {
      this.#hasChanged = true
      this.#wake()
    })
  }

  async untilStopped(stop: AbortSignal): Promise<ExitCode> {
    await this.#files.add(path.resolve(this.#line.operand), this.#clock.now())
    stop.addEventListener('abort', () => this.#wake(), { once: true })
    this.#start()
    for (;;) {
      const news = await this.#news(stop)
      if (news === 'stopped') return this.#stopJob(stop.reason as NodeJS.Signals)
      if (news === 'ended') await this.#jobEnded()
      else await this.#reload()
    }
  }

  /** Ends the job at once. */
  kill(): void {
    this.#job?.child.kill('SIGKILL')
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }

  async #news(stop: AbortSignal): Promise<News> {
    for (;;) {
      if (stop.aborted) return 'stopped'
      if (this.#hasChanged) {
        this.#hasChanged = false
        return 'changed'
      }
      const woken = new Promise<undefined>((resolve) => {
        this.#wake = () => resolve(undefined)
      })
      const ended = this.#job?.ended
      if ((await (ended === undefined ? woken : Promise.race([ended, woken]))) !== undefined) return 'ended'
    }
  }

  #start(): void {
    this.#files.isOpen = false
    this.#job = this.#spawn(
      ['run', this.#line.operand, ...this.#line.toArguments((name) => name !== 'watch')],
      'inherit',
    )
  }

  async #jobEnded(): Promise<void> {
    const { code } = await this.#job!.ended
    this.#job = undefined
    this.#lastCode = code
    this.#files.isOpen = code !== exitCodes.done
    const how = code === exitCodes.done ? 'the job has ended' : `the job has ended with exit code ${code}`
    this.#wait(how)
  }

  #wait(what: string): void {
    const text = `${what}; waiting for a change of ${this.#line.operand} or what it imports`
    this.#lines.write('info', 'watching', text, { file: this.#line.operand })
  }

  async #reload(): Promise<void> {
    if (this.#job === undefined) return this.#start()
    this.#lines.write('info', 'changed', `${this.#line.operand} or what it imports has changed; checking it`)
    const check = this.#spawn(['plan', this.#line.operand, ...this.#line.toArguments(isOfPlan)], 'pipe')
    const { code, out } = await check.ended
    if (code !== exitCodes.done) {
      this.#outputs.stderr.write(out)
      this.#files.isOpen = true
      return this.#wait('the program before continues')
    }
    this.#lines.write(
      'info',
      'reloading',
      'stopping the job to resume from its checkpoint with the new program',
    )
    const stopped = await this.#stopJob('SIGTERM')
    if (stopped !== exitCodes.done) {
      this.#lastCode = stopped
      return this.#wait(`the job did not stop in good order (exit code ${stopped})`)
    }
    this.#start()
  }

  /** Stops the job, and resolves to its exit code; without one, to that of the last one. */
  async #stopJob(signal: NodeJS.Signals): Promise<ExitCode> {
    const job = this.#job
    if (job === undefined) return this.#lastCode
    job.child.kill(signal)
    const { code } = await job.ended
    this.#job = undefined
    return code
  }

  #spawn(args: readonly string[], output: 'inherit' | 'pipe'): Child {
    const loadedAt = this.#clock.now()
    const stdio: StdioOptions = ['inherit', output, output, 'ipc']
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      stdio,
      env: { ...process.env, [watchedVariable]: '1' },
    })
    child.on('message', (message) => {
      const file = (message as Partial<SourceReport> | null)?.millraceSource
      if (typeof file === 'string') void this.#files.add(file, loadedAt)
    })
    let out = ''
    child.stdout?.on('data', (text: Buffer) => (out += text.toString()))
    child.stderr?.on('data', (text: Buffer) => (out += text.toString()))
    const ended = new Promise<Ended>((resolve) => {
      child.on('error', (error) => resolve({ code: exitCodes.failed, out: `${error.message}\n` }))
      child.on('close', (code, signal) => {
        const number = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
        resolve({ code: number as ExitCode, out })
      })
    })
    return { child, ended }
  }
}

function isOfPlan(name: string): boolean {
  return planOptions.has(name)
}
