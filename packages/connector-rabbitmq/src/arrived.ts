import type { Delivered } from './amqp/content.ts'

/** A message that waits, and its number among all that have arrived. */
export interface Arrived {
  readonly number: number
  readonly message: Delivered
}

/** Where a message is, for people: its number, and its id if it has one. */
export function placeOf({ number, message }: Arrived): string {
  const { messageId } = message.properties
  return messageId !== undefined && messageId !== ''
    ? `message ${number}, id ${messageId}`
    : `message ${number}`
}
