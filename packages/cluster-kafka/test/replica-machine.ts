import type { KafkaPort, World } from '@millrace/connector-kafka/port'
import { dataOf } from '../src/replica/local-copy.ts'
import { changelogSettings } from '../src/replica/changelog.ts'
import { readTree } from '../src/replica/directory-tree.ts'
import { Replica } from '../src/replica/replica.ts'
import type { RestoreProgress } from '../src/replica/restore-progress.ts'
import { restoreDirectory } from '../src/replica/restore.ts'
import { MemoryKafka } from '../src/testing.ts'
import type { Fs } from '@millrace/core/disk'
import { readWhole } from '@millrace/core/disk'
import { ManualClock, seededRandom } from '@millrace/world'

export const directory = 'lease-0'
export const of = { topic: 'millrace-test-changelog', partition: 0 }

/** A cluster in memory with one changelog. */
export class ReplicaWorld {
  readonly clock = new ManualClock(1_767_225_600_000)
  readonly random = seededRandom(1)
  readonly kafka: MemoryKafka
  readonly warnings: string[] = []
  readonly progress: RestoreProgress[] = []
  readonly #stop = new AbortController()

  constructor() {
    this.kafka = new MemoryKafka({ clock: this.clock })
  }

  port(process: string): KafkaPort {
    const world: World = {
      clock: this.clock,
      signal: this.#stop.signal,
      warn: () => {},
      down: () => {},
      trying: () => {},
      up: () => {},
    }
    return this.kafka.port(world, process)
  }

  async begin(settings = changelogSettings): Promise<void> {
    await this.port('setup').createTopics([{ name: of.topic, partitions: 1, settings }])
  }

  /** Opens the lease on a disk, as a process: fences, restores, and counts the opening. */
  async open(fs: Fs, process: string, { log = 'first' } = {}): Promise<Replica> {
    const port = this.port(process)
    const producer = await port.atomic('test-lease-0', 60_000)
    const copy = await this.restore(fs, process)
    const { image } = copy
    const head = { log: image.head?.log ?? log, epoch: (image.head?.epoch ?? 0) + 1 }
    const replica = new Replica({
      platform: { fs, clock: this.clock, random: this.random },
      directory,
      of,
      port,
      producer,
      image,
      head,
      contribution: () => Promise.resolve({ batches: noBatches(), discard: () => Promise.resolve() }),
    })
    await replica.begin()
    return replica
  }

  restore(fs: Fs, process: string) {
    return restoreDirectory({
      platform: { fs, clock: this.clock },
      directory,
      of,
      port: this.port(process),
      signal: this.#stop.signal,
      progress: (progress) => this.progress.push(progress),
      warn: (message) => this.warnings.push(message),
    })
  }
}

async function* noBatches(): AsyncIterable<never> {}

/** The content of all files of a data directory as `fs` shows it, without temporary ones. */
export async function contentOf(fs: Fs): Promise<Map<string, string>> {
  const root = dataOf(directory)
  const { files } = await readTree(fs, root)
  const content = new Map<string, string>()
  for (const path of [...files.keys()].toSorted()) {
    if (!path.endsWith('.tmp')) content.set(path, hexOf(await readWhole(fs, `${root}/${path}`)))
  }
  return content
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
