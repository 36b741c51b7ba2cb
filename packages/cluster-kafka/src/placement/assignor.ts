/** What a worker says of itself before the leases are divided. */
export interface WorkerClaim {
  /** Its id in the group. */
  readonly id: string
  /** The leases that it runs now, or has not finished releasing. */
  readonly held: readonly number[]
  /** The leases whose state it has on its disk, with the offset of the changelog up to which it has them. */
  readonly cached: ReadonlyMap<number, number>
  /** The leases of others whose copy on its disk is up to date. Undefined: it gets leases without a copy. */
  readonly current?: ReadonlySet<number> | undefined
}

/** What a worker gets. */
export interface WorkerShare {
  /** The leases that it may run. It releases every other one that it holds. */
  readonly leases: readonly number[]
  /** The leases of others whose state it copies: as a standby, or because it will get them. */
  readonly standbys: readonly number[]
}

/**
 * Divides the leases among the workers, so that
 *
 *  - no lease is given to a worker while another one holds it: it is given away first, and to its new worker in the next round;
 *  - once that is done, the numbers of leases differ by one at most;
 *  - as few leases move as that allows, and where one has to move, a worker gets it that has a copy of its state;
 *  - a lease that a worker runs stays there until the worker that gets it has copied its state: moving it takes no longer then than
 *    reading what has changed since.
 *
 * The same claims give the same shares. (Incremental cooperative rebalancing, as Kafka's cooperative-sticky assignor does it, for whole
 * tasks; copies count, and are made first, as in Kafka Streams since KIP-441.)
 */
export function divideLeases(
  claims: readonly WorkerClaim[],
  leases: number,
  standbys: number,
): ReadonlyMap<string, WorkerShare> {
  const workers = claims.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const holders = holdersOf(workers)
  const later = ownersOf(workers, holders, leases)
  const awaited = awaitedCopies(workers, holders, later)
  const owners = new Map(
    [...later].map(([lease, owner]) => [lease, awaited.has(lease) ? holders.get(lease)! : owner]),
  )
  const copies = copiesOf(workers, owners, standbys)
  return new Map(
    workers.map(({ id }) => [
      id,
      {
        // Its present holder has to give it up first.
        leases: [...owners]
          .filter(([lease, owner]) => owner === id && (holders.get(lease) ?? id) === id)
          .map(first)
          .toSorted((a, b) => a - b),
        standbys: [
          ...new Set([...(copies.get(id) ?? []), ...[...awaited].filter(([, by]) => by === id).map(first)]),
        ],
      },
    ]),
  )
}

/** Who holds which lease. If two say so, one of them has not noticed yet that it was removed. */
function holdersOf(workers: readonly WorkerClaim[]): ReadonlyMap<number, string> {
  const holders = new Map<number, string>()
  for (const { id, held } of workers)
    for (const lease of held) if (!holders.has(lease)) holders.set(lease, id)
  return holders
}

/** Who is to have which lease, in the end. */
function ownersOf(
  workers: readonly WorkerClaim[],
  holders: ReadonlyMap<number, string>,
  leases: number,
): ReadonlyMap<number, string> {
  const kept = new Map(workers.map(({ id }) => [id, [] as number[]]))
  for (let lease = 0; lease < leases; lease++) kept.get(holders.get(lease) ?? '')?.push(lease)
  const least = Math.floor(leases / workers.length)
  // Those that hold most may have one more.
  const byHeld = workers.toSorted((a, b) => kept.get(b.id)!.length - kept.get(a.id)!.length)
  const limits = new Map(byHeld.map(({ id }, at) => [id, at < leases % workers.length ? least + 1 : least]))
  const owners = new Map<number, string>()
  for (const [id, own] of kept) for (const lease of own.slice(0, limits.get(id))) owners.set(lease, id)
  const counts = countsOf(owners)
  for (let lease = 0; lease < leases; lease++) {
    if (owners.has(lease)) continue
    const able = workers.filter(({ id }) => (counts.get(id) ?? 0) < limits.get(id)!)
    const { id } = bestFor(lease, able, counts)
    owners.set(lease, id)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return owners
}

/** The leases that stay where they are for now, and the worker that copies each of them first. */
function awaitedCopies(
  workers: readonly WorkerClaim[],
  holders: ReadonlyMap<number, string>,
  later: ReadonlyMap<number, string>,
): ReadonlyMap<number, string> {
  const current = new Map(workers.map((worker) => [worker.id, worker.current]))
  return new Map(
    [...later].filter(([lease, owner]) => {
      const holder = holders.get(lease)
      return holder !== undefined && holder !== owner && current.get(owner)?.has(lease) === false
    }),
  )
}

/** Which copies each worker keeps. */
function copiesOf(
  workers: readonly WorkerClaim[],
  owners: ReadonlyMap<number, string>,
  standbys: number,
): ReadonlyMap<string, readonly number[]> {
  const copies = new Map<string, number[]>()
  const counts = new Map<string, number>()
  for (const [lease, owner] of [...owners].toSorted(([a], [b]) => a - b)) {
    const able = new Set(workers.filter(({ id }) => id !== owner))
    for (let copy = 0; copy < standbys && able.size > 0; copy++) {
      const best = bestFor(lease, [...able], counts)
      able.delete(best)
      copies.set(best.id, [...(copies.get(best.id) ?? []), lease])
      counts.set(best.id, (counts.get(best.id) ?? 0) + 1)
    }
  }
  return copies
}

/** The worker with the newest copy, first of all one that is up to date; among those without one, the worker with the fewest leases. */
function bestFor(
  lease: number,
  workers: readonly WorkerClaim[],
  counts: ReadonlyMap<string, number>,
): WorkerClaim {
  const copyOf = ({ cached, current }: WorkerClaim): number =>
    current?.has(lease) === true ? Number.POSITIVE_INFINITY : (cached.get(lease) ?? -1)
  const countOf = ({ id }: WorkerClaim): number => counts.get(id) ?? 0
  return workers.toSorted(
    (a, b) => (copyOf(b) === copyOf(a) ? 0 : copyOf(b) - copyOf(a)) || countOf(a) - countOf(b),
  )[0]!
}

function countsOf(owners: ReadonlyMap<number, string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const owner of owners.values()) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  return counts
}

function first([lease]: readonly [number, string]): number {
  return lease
}
