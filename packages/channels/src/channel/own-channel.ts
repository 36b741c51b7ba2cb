import { unlisted } from '@millrace/world'
import { Channel } from './channel.ts'

/** A channel that code outside this package never sees: it is not listed as a leak. */
export function ownChannel<T>(capacity: number): Channel<T> {
  return unlisted(() => new Channel<T>(capacity))
}
