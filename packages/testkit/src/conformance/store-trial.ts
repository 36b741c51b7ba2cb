import type { Json } from '@millrace/core'
import type { DiscardedState, StateStore } from '@millrace/core/store'
import { SimFs } from '../sim-fs.ts'
import { StoreLife } from './store-life.ts'

/** The stores of one case, and the lives in which they are used. */
export class StoreTrial {
  readonly create: () => StateStore

  constructor(create: () => StateStore) {
    this.create = create
  }

  /** Starts a first life on an empty disk. */
  live(fs: SimFs = new SimFs()): Promise<StoreLife> {
    return StoreLife.open(this.create(), fs)
  }

  /** Starts a life that is restored from a snapshot, after a power loss in the previous one. */
  next(
    life: StoreLife,
    from: Json,
    retained: readonly Json[] = [from],
    discard: readonly DiscardedState[] = [],
  ): Promise<StoreLife> {
    return StoreLife.open(this.create(), life.fs.afterPowerLoss(), { from, retained, discard })
  }
}
