import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Assignment, Notice } from './assignment.ts'

/** A worker in a process of its own. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #startedAt = performance.now()
  readonly #running = new Set<number>()
  /** The leases that have left it, or come to it. */
  readonly moved = new Set<number>()

  constructor(assignment: Assignment) {
    const file = path.join(import.meta.dirname, 'worker.ts')
    this.#child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(assignment)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.#note(JSON.parse(line) as Notice),
    )
  }

  /** The leases that run here. */
  get leases(): ReadonlySet<number> {
    return new Set(this.#running)
  }

  /** Resolves when so many leases run here, with the milliseconds since the process was started. */
  async runs(count: number): Promise<number> {
    while (this.#running.size < count) {
      if (this.#child.exitCode !== null) throw new Error(`a worker ended with ${this.#child.exitCode}`)
      await delay(5)
    }
    return performance.now() - this.#startedAt
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill(signal)
    await once(this.#child, 'exit')
  }

  #note({ kind, lease }: Notice): void {
    this.moved.add(lease)
    if (kind === 'running') this.#running.add(lease)
    else this.#running.delete(lease)
  }
}
