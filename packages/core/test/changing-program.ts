import { CheckpointStorage, type JobEvent, type Manifest } from '@millrace/core/job'
import type { PipelineBuilder, TimedKeyedStream, TimedStream } from '@millrace/flow'
import type { SimPlatform } from '@millrace/testkit'
import { expect } from 'vitest'
import { growingSource } from './growing-source.ts'
import { live, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

/** A record of the programs. */
export interface Item {
  readonly key: unknown
  readonly at: number
}

/** What makes a program. */
export type Build = (p: PipelineBuilder) => void

/** Several programs, one after another, over one disk and one input, of which each life sees more. */
export class ChangingProgram {
  readonly input: Item[] = []
  #seed = 1
  #last: SimPlatform | undefined

  /** Reads what is there, makes a checkpoint and stops. */
  async live(build: Build, options: LifeOptions = {}): Promise<SimulatedLife> {
    const life = await live(build, {
      isBounded: false,
      ...(this.#last === undefined ? {} : { platform: nextLife(this.#last, this.#seed++) }),
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted') void job.stop()
      },
      ...options,
    })
    this.#last = life.platform
    return life
  }

  /** The newest checkpoint. */
  async manifest(): Promise<Manifest> {
    const [newest] = await new CheckpointStorage(this.#last!.fs, 'data/checkpoints').readable(() => {})
    return newest!
  }

  timed(p: PipelineBuilder): TimedStream<Item> {
    return p.from('in', growingSource(this.input)).withTimestamps({ timestamp: ({ at }) => at })
  }

  keyed(p: PipelineBuilder): TimedKeyedStream<Item, string> {
    return this.timed(p).keyBy(({ key }) => key as string)
  }
}

export const items = (...times: readonly number[]): Item[] => times.map((at) => ({ key: 'a', at }))

export const warnings = ({ events }: { readonly events: readonly JobEvent[] }): readonly string[] =>
  events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))

export function expectRefused(life: SimulatedLife, ...parts: readonly (string | RegExp)[]): void {
  expect(life.result).toMatchObject({ outcome: 'failed', error: { code: 'CHECKPOINT_INCOMPATIBLE' } })
  const { message } = (life.result as { readonly error: Error }).error
  for (const part of parts) expect(message).toMatch(part)
}

export function expectStopped(life: SimulatedLife): void {
  expect(life.result).toEqual({ outcome: 'stopped' })
}

/** How many cells the state had at the end. */
export const cells = ({ job }: SimulatedLife): number => job.status().state!.cells
