/** For authors of operators: the contract, state, timers, and what a checkpoint says about an operator. */

export { isThenable, refusePromise } from './errors/synchronous.ts'
export type { NotAPromise } from './errors/synchronous.ts'
export { backupByCodec, backupByLength, backupByReference } from './state/backup.ts'
export type { Backup } from './state/backup.ts'
export { noPieces, settingText, statePiece } from './state/fingerprint.ts'
export type { EarlierSetting, Fingerprint, StatePiece, StateSetting } from './state/fingerprint.ts'
export type { ListState, MapState, OrderedMapState, ValueState, WriteOptions } from './state/handles.ts'
export type { ExpiryClock, TimeToLive } from './state/time-to-live.ts'
export type { KeyRange } from './state/sorted-keys.ts'
export { TransientTable } from './state/transient-table.ts'
export { Chain } from './operator/chain.ts'
export { Cursor } from './operator/cursor.ts'
export type { DeadLetter, LetterHeaders } from './operator/failure-policy.ts'
export type { Step } from './operator/fuse.ts'
export { OperatorError } from './operator/operator-error.ts'
export type {
  Collector,
  Operator,
  OperatorContext,
  OperatorMetric,
  PendingTimer,
  StateContext,
  StateDescriptor,
  StreamRecord,
  Timer,
  Timers,
  TimersAtEnd,
} from './operator/operator.ts'
