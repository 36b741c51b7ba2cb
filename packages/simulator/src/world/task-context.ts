import { AsyncLocalStorage } from 'node:async_hooks'
import { Roster } from '@millrace/channels'
import type { Clock } from '@millrace/world'
import type { WatchedTask } from '@millrace/channels'

/** A roster that attributes each wait to its task. It slows down every promise of the process while in use. */
export function taskRoster(clock: Clock): Roster {
  return new Roster({ clock, context: new AsyncLocalStorage<WatchedTask>() })
}
