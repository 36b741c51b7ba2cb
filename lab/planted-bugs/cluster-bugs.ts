import type { ClusterBug } from './planted-bug.ts'

/** Bugs of a job on several machines, which drawn clusters must find. */
export const clusterBugs: readonly ClusterBug[] = [
  {
    name: 'the holder of a lease is not fenced: each opening has a transactional id of its own',
    plant: {
      file: 'cluster-kafka/src/lease/lease-run.ts',
      from: 'const id = `millrace-${lease.job}-lease-${lease.lease}`',
      to: "const id = `millrace-${lease.job}-lease-${lease.lease}-${platform.random.fork('id').int(2 ** 48)}`",
    },
    seed: 94,
  },
  {
    name: 'what is restored ends where the changelog ended before the earlier holder was fenced',
    plant: {
      file: 'cluster-kafka/src/lease/lease-run.ts',
      from: `    const opened = port.atomic(id, transactionTimeoutMs)
    const producer = await unlessAborted(opened, signal, (late) => void late.close())
    this.#producer = producer
    await this.#transaction.clear()
    const restore = { platform, directory, of, port,`,
      to: `    const range = await port.range(of)
    const earlier = { range: () => Promise.resolve(range), feed: port.feed.bind(port) }
    const opened = port.atomic(id, transactionTimeoutMs)
    const producer = await unlessAborted(opened, signal, (late) => void late.close())
    this.#producer = producer
    await this.#transaction.clear()
    const restore = { platform, directory, of, port: earlier,`,
    },
    seed: 259,
  },
  {
    name: 'a restart on its own disk does not read what others have committed since',
    plant: {
      file: 'cluster-kafka/src/replica/restore.ts',
      from: 'until: range.end, signal',
      to: 'until: copy.isFresh ? range.end : from, signal',
    },
    seed: 2,
  },
  {
    name: 'a restore ends with the first delivery of records',
    plant: {
      file: 'cluster-kafka/src/replica/log-reader.ts',
      from: 'if (until !== undefined && reached >= until) return\n      if (failure',
      to: 'if (until !== undefined && reached > from) return\n      if (failure',
    },
    seed: 11,
  },
  {
    name: 'the note of a directory says an offset that is seen after the commit',
    plant: {
      file: 'cluster-kafka/src/replica/replica.ts',
      from: 'const { directory, of, platform } = this.#options\n    for (const file',
      to: 'const { directory, of, platform, port } = this.#options\n    this.#offset = (await port.range(of)).end\n    for (const file',
    },
    seed: 11,
  },
  {
    name: 'records and changelog are committed in two transactions',
    plant: {
      file: 'cluster-kafka/src/replica/replica.ts',
      from: 'await producer.commit(this.#chunks(changes, contributed.batches))',
      to: 'await producer.commit(contributed.batches)\n    await producer.commit(this.#chunks(changes, (async function* () {})()))',
    },
    seed: 20,
  },
  {
    name: 'a commit whose answer was lost is taken for made',
    plant: {
      file: 'cluster-kafka/src/replica/replica.ts',
      from: 'await producer.commit(this.#chunks(changes, contributed.batches))',
      to: 'await producer.commit(this.#chunks(changes, contributed.batches)).catch((error: { code?: number }) => {\n      if (error.code !== -185) throw error\n    })',
    },
    seed: 27,
  },
  {
    name: 'what sinks have added in a run that has failed is committed with the next one',
    plant: {
      file: 'cluster-kafka/src/lease/lease-run.ts',
      from: "if (event.kind === 'failed') void this.#transaction.discard()",
      to: '',
    },
    seed: 129,
  },
  {
    name: 'records that come behind a barrier are committed with it',
    plant: {
      file: 'cluster-kafka/src/shuffle/transaction-output.ts',
      from: 'return this.#collected.add(batches)',
      to: 'return this.#transaction.add(batches)',
    },
    seed: 177,
  },
  {
    name: 'records of a shuffle are committed with the checkpoint after theirs',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-sink.ts',
      from: '    await this.#collect()\n    await this.#output.prepare()',
      to: '    await this.#output.prepare()\n    await this.#collect()',
    },
    seed: 1,
  },
  {
    name: 'what was added to a transaction is added to the next one again',
    plant: {
      file: 'cluster-kafka/src/lease/lease-transaction.ts',
      from: 'this.#files = []\n    this.#batches = []\n    this.#bytes = 0\n    return',
      to: 'this.#files = []\n    this.#bytes = 0\n    return',
    },
    seed: 1,
  },
  {
    name: 'a reader forgets at a restart how far the senders were',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-source.ts',
      from: 'new Senders(leases, from?.senders)',
      to: 'new Senders(leases)',
    },
    seed: 33,
  },
  {
    name: 'a reader follows the watermark of the sender that it reads',
    plant: {
      file: 'cluster-kafka/src/shuffle/senders.ts',
      from: 'this.#merger.advance(sender, watermark)\n    return this.#follow()',
      to: 'this.#merger.advance(sender, watermark)\n    this.#follow()\n    return watermark',
    },
    seed: 1,
  },
  {
    name: 'a sender that is idle or dead holds the watermark back',
    plant: {
      file: 'cluster-kafka/src/shuffle/senders.ts',
      from: "if (phase === 'idle') this.#idle(sender)",
      to: '',
    },
    seed: 1,
  },
  {
    name: 'a sender that is silent does not hold the watermark back',
    plant: {
      file: 'cluster-kafka/src/shuffle/senders.ts',
      from: 'inputs === undefined ? new WatermarkMerger(count) :',
      to: "inputs === undefined ? WatermarkMerger.resume(MIN_TIME, Array.from({ length: count }, () => ({ watermark: MIN_TIME, phase: 'idle' as const }))) :",
    },
    seed: 1,
  },
  {
    name: 'a reader does not wait until all senders have spoken',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-reader.ts',
      from: 'if (!isTimed || senders.silent.length === 0) return this.#readOn()',
      to: 'if (senders.silent.length >= 0) return this.#readOn()',
    },
    seed: 1,
  },
  {
    name: 'records of a batch have the watermark of its last one',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-sink.ts',
      from: 'watermarks: Float64Array.from(indices, (index) => watermarks[index]!)',
      to: 'watermarks: Float64Array.from(indices, () => watermarks[batch.length - 1]!)',
    },
    seed: 1,
  },
  {
    name: 'records of a shuffle are deleted before a checkpoint has their effect',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-reader.ts',
      from: 'this.#parts.purge.before(offset)',
      to: 'this.#parts.purge.before(Math.max(offset, this.#deliveredUpTo))',
    },
    seed: 47,
  },
  {
    name: 'a record goes to another lease than the one that has its key',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-sink.ts',
      from: 'subtaskOfRecord(batch.values[index], route.by, leases, route.keyGroups)',
      to: 'subtaskOfRecord(batch.values[index], route.by, leases, batch.length === 1 ? route.keyGroups : 2 * route.keyGroups)',
    },
    seed: 1,
  },
  {
    name: 'a lease reads the splits of another one',
    plant: {
      file: 'cluster-kafka/src/shuffle/lease-share.ts',
      from: 'subtaskOfSplit(split, leases, keyGroups) === lease',
      to: 'Math.min(leases - 2, subtaskOfSplit(split, leases, keyGroups)) <= lease && subtaskOfSplit(split, leases, keyGroups) >= lease',
    },
    seed: 1,
  },
  {
    name: 'a broadcast does not reach the lease that sends it',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-sink.ts',
      from: 'Array.from({ length: leases }, (_, lease) => lease),',
      to: 'Array.from({ length: leases }, (_, lease) => lease).filter((to) => to !== this.#options.lease),',
    },
    seed: 7,
  },
  {
    name: 'a lease that has ended in this run begins another one',
    plant: {
      file: 'cluster-kafka/src/lease/lease-run.ts',
      from: 'if (end?.every(({ isCommitted }) => isCommitted === true) === true) return undefined',
      to: 'if (end?.every(({ isCommitted }) => isCommitted === true) === true) return this.#start(replica, head.epoch, false)',
    },
    seed: 38,
  },
  {
    name: 'a lease that comes back runs beside its last run',
    plant: {
      file: 'cluster-kafka/src/placement/placement.ts',
      from: 'for (const lease of held) this.#then(lease, () => stopped)',
      to: 'void stopped',
    },
    seed: 11,
  },
  {
    name: 'a lease that has ended is taken for one that is idle',
    plant: {
      file: 'cluster-kafka/src/shuffle/senders.ts',
      from: "if (phase === 'ended') this.#merger.end(sender)",
      to: "if (phase === 'ended') this.#idle(sender)",
    },
    seed: 5,
  },
  {
    name: 'a worker lists a lease as held that it has released',
    plant: {
      file: 'cluster-kafka/src/placement/placement.ts',
      from: `      this.#leaving.delete(lease)
      this.#held.delete(lease)`,
      to: '      this.#leaving.delete(lease)',
    },
    seed: 29,
  },
  {
    name: 'a worker that was removed from its group lists what it has lost as held',
    plant: {
      file: 'cluster-kafka/src/placement/placement.ts',
      from: '    this.#held.clear()\n',
      to: '',
    },
    seed: 11,
  },
  {
    name: 'all leases have one name in systems outside of Kafka',
    plant: {
      file: 'cluster-kafka/src/lease/lease-run.ts',
      from: 'const job = `${lease.job}-${lease.lease}-${replica.image.head!.log}`',
      to: 'const job = lease.job',
    },
    seed: 46,
  },
  {
    name: 'a lease does not say to the last one how far it is',
    plant: {
      file: 'cluster-kafka/src/shuffle/shuffle-sink.ts',
      from: 'for (let to = 0; to < leases; to++) this.#pack',
      to: 'for (let to = 0; to < leases - 1; to++) this.#pack',
    },
    seed: 1,
  },
  {
    name: 'a lease whose commit has failed is not opened again',
    plant: {
      file: 'cluster-kafka/src/lease/open-lease.ts',
      from: "if (isMillraceError(at, 'COMMIT_UNKNOWN')) return !isFinalRefusal(at.cause)",
      to: "if (isMillraceError(at, 'COMMIT_UNKNOWN')) return isFinalRefusal(at.cause)",
    },
    seed: 3,
  },
]
