import type { Json } from '@millrace/core'
import type { Batch, Origin, Sink, SinkWriter } from '@millrace/core/connector'
import type { Owner } from '@millrace/core/disk'
import { noRejection, SimFs } from '@millrace/testkit'
import { FileWorld } from './file-world.ts'

/** Writes to a sink in one run of the process, as the engine does. */
export class SinkRun<T> {
  readonly world: FileWorld
  readonly writer: SinkWriter<T>
  #checkpoint: number

  private constructor(world: FileWorld, writer: SinkWriter<T>, checkpoint: number) {
    this.world = world
    this.writer = writer
    this.#checkpoint = checkpoint
  }

  /** Opens a writer. Committables are serialized, as in a manifest. */
  static async open<T>(
    sink: Sink<T>,
    fs: SimFs,
    pending: readonly Json[] = [],
    subtask = 0,
    { job = 'simulated', owner = ownerOf(fs, job) }: { readonly job?: string; readonly owner?: Owner } = {},
  ): Promise<SinkRun<T>> {
    const world = new FileWorld(fs, false, fs.operations + 1, owner)
    const restored = JSON.parse(JSON.stringify(pending)) as Json[]
    const context = { ...world.context, directory: `data of ${job}/subject` }
    return new SinkRun(world, await sink.open(subtask, restored, context), pending.length * 10)
  }

  async write(...values: T[]): Promise<void> {
    await this.writer.write(batchOf(values), noRejection)
  }

  async prepare(): Promise<Json> {
    return (await this.writer.prepare(++this.#checkpoint))!
  }

  commit(committable: Json): Promise<void> {
    return this.writer.commit!(committable)
  }

  /** Writes values and makes them visible; returns the committable. */
  async checkpoint(...values: T[]): Promise<Json> {
    await this.write(...values)
    const committable = await this.prepare()
    await this.commit(committable)
    return committable
  }

  close(): Promise<void> {
    return this.writer.close()
  }
}

/** The owner of a job's data directory in one run. */
function ownerOf({ life }: SimFs, job: string): Owner {
  return { job, epoch: life, confirm: async () => {} }
}

export function batchOf<T>(values: readonly T[], origin?: Origin): Batch<T> {
  const times = new Float64Array(values.length)
  return { length: values.length, values, times, watermarks: times, origin, originIndex: undefined }
}

/** The text of a file, or undefined if it does not exist. */
export function textOf(fs: SimFs, path: string): string | undefined {
  const bytes = fs.peek(path)
  return bytes && Buffer.from(bytes).toString()
}

/** The hidden and the visible names in a directory. */
export async function namesIn(
  fs: SimFs,
  directory: string,
): Promise<{ hidden: string[]; visible: string[] }> {
  const names = (await fs.list(directory)).map(({ name }) => name)
  return {
    hidden: names.filter((name) => name.startsWith('.')),
    visible: names.filter((name) => !name.startsWith('.')),
  }
}
