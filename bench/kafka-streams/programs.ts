import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { mavenBuild } from '../maven-build.ts'
import type { Assignment, Progress } from './sales.ts'

/** A program that does the jobs. */
export interface Program {
  readonly title: string
  /** The command of one process. */
  command(assignment: Assignment): readonly string[]
}

export const millrace: Program = {
  title: 'Millrace',
  command: (assignment) => [
    process.execPath,
    '--import',
    'tsx',
    path.join(import.meta.dirname, 'worker.ts'),
    JSON.stringify(assignment),
  ],
}

export async function kafkaStreams(): Promise<Program> {
  const classPath = await mavenBuild('bench-kafka-streams-4.1.1', path.join(import.meta.dirname, 'java'))
  return {
    title: 'Kafka Streams 4.1.1',
    command: ({ brokers, job, application, sales, payments, output, directory }) => [
      'java',
      '-Xmx2g',
      '-cp',
      classPath,
      'sales.Main',
      brokers,
      job,
      application,
      sales,
      payments,
      output,
      directory,
    ],
  }
}

/** A process of a program, and what it has printed last. */
export class Running {
  readonly #child: ChildProcess
  progress: Progress = { results: 0, cpuMs: 0 }

  constructor([file, ...args]: readonly string[]) {
    this.#child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.progress = JSON.parse(line) as Progress
    })
  }

  /** Throws if the process has ended. */
  requireAlive(): void {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null)
      throw new Error(`a process ended with ${exitCode ?? signalCode}`)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
  }
}
