import type { ConsumeMessage } from 'amqplib'

/** A message that waits, and its number among all that have come. */
export interface Arrived {
  readonly number: number
  readonly message: ConsumeMessage
}

/** What the client acknowledges of a message is its tag. */
export function deliveryOf(deliveryTag: number): ConsumeMessage {
  return { fields: { deliveryTag } } as ConsumeMessage
}

/** Where a message is, for people: its number, and its id if it has one. */
export function placeOf({ number, message }: Arrived): string {
  const { messageId } = message.properties as { readonly messageId?: unknown }
  return typeof messageId === 'string' && messageId !== ''
    ? `message ${number}, id ${messageId}`
    : `message ${number}`
}
