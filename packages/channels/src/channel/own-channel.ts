import { unlisted } from '@millrace/world'
import { Channel } from './channel.ts'

/** A channel that no code outside of this package ever holds: it shows in no list of what was made and left over. */
export function ownChannel<T>(capacity: number): Channel<T> {
  return unlisted(() => new Channel<T>(capacity))
}
