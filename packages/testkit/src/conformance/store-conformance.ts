import type { StateStore } from '@millrace/core/store'
import { CaseList } from './conformance-case.ts'
import type { ConformanceCase, Skips } from './conformance-case.ts'
import * as disk from './store-disk-cases.ts'
import { anything } from './store-model-case.ts'
import * as slice from './store-slice-cases.ts'
import * as snapshot from './store-snapshot-cases.ts'
import * as table from './store-table-cases.ts'
import { StoreTrial } from './store-trial.ts'

/** How to create the stores under test. */
export interface StateStoreConformanceOptions {
  /**
   * Creates a store as a new process would. Called for every life. Use small files, so that a few hundred kilobytes
   * cause compaction.
   */
  readonly create: () => StateStore
  /** The number of random jobs that are compared with a model. Default 40. */
  readonly seeds?: number
  readonly skip?: Skips
}

/**
 * Tests the contract of `StateStore`, `OpenStateStore` and `StateTable`.
 *
 * The kit replaces the engine: it changes cells, freezes, encodes in slices, persists, and restores after a power loss
 * that loses all unsynced data.
 *
 * @example
 * describeCases('memory store', stateStoreConformance({ create: () => memoryStore(small) }), { describe, test })
 */
export function stateStoreConformance(options: StateStoreConformanceOptions): readonly ConformanceCase[] {
  const { create, seeds = 40, skip } = options
  const list = new CaseList(skip)
  const add = (name: string, run: (trial: StoreTrial) => Promise<void>): void =>
    list.add(name, () => run(new StoreTrial(create)))

  add('cells are found, counted and iterated over in order of creation', table.cells)
  add('what is deleted is gone and can be made again', table.deletion)
  add('tokens that look alike are not the same', table.tokens)
  add('a table may change while it is iterated over', table.iteration)
  add('usage counts cells and bytes', table.usage)

  add('a restart brings back what the snapshot holds', snapshot.roundTrip)
  add('a snapshot of nothing, and of no change, can be restored', snapshot.emptySnapshots)
  add('the order of creation outlives changes and restarts', snapshot.order)
  add('a snapshot is the state at its freeze, whatever happens afterwards', snapshot.frozen)
  add('cells may change while a snapshot is encoded in slices', slice.slices)
  add('many cells that are dropped at once are gone at once, and only from later snapshots', slice.dropped)
  add('loading lets the event loop have turns', slice.inTurns)
  add('a change in place counts once changed is called', snapshot.unannounced)
  add('what an abandoned snapshot held is in the next', slice.abandoned)
  add('every snapshot that is kept can be restored', snapshot.retained)
  add('owners are frozen one by one, and tables do not mix', snapshot.owners)
  add('cells follow their key groups to another number of subtasks', snapshot.rescale)
  add('values are decoded by the version that wrote them, and not by a stranger', snapshot.codecs)
  add('values of another codec are read by a reader for it and written anew', snapshot.foreignCodecs)
  add('state that a start leaves out is gone, and no other state is', snapshot.discarded)
  add('tables come and go between lives', snapshot.tablesComeAndGo)
  add('a job that does anything in any order finds its state again', (trial) => anything(trial, seeds))

  add('a snapshot that was promised survives a crash at any operation', disk.crashes)
  add('a process that was replaced takes nothing away from its successor', disk.replaced)
  add('damage is noticed, wherever it is', disk.damage)
  add('the failure of any operation breaks no promise', disk.failures)
  add('a snapshot that was promised survives a crash in a life that was restored', disk.crashesAfterRestart)
  add('a failed persist says why and is the last', disk.persistFails)
  add('release makes room', snapshot.release)
  add('close releases files and leaves the last snapshot', disk.closing)
  return list.done()
}
