import { AsyncLocalStorage } from 'node:async_hooks'
import { Roster } from '@millrace/channels'
import type { Clock } from '@millrace/world'
import type { WatchedTask } from '@millrace/channels'

/** A roster that knows whose each wait is. It slows every promise of the process down while it is in use. */
export function taskRoster(clock: Clock): Roster {
  return new Roster({ clock, context: new AsyncLocalStorage<WatchedTask>() })
}
