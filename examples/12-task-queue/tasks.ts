/**
 * Charges customers as tasks of a queue say: each task calls another system, with retries and a circuit breaker. A task that
 * fails for good is kept until it is redriven.
 *
 *     npx millrace run examples/12-task-queue/tasks.ts --parameter url=amqp://localhost
 */
import { rabbitmq } from '@millrace/connector-rabbitmq'
import { deadLetter, pipeline } from 'millrace'

/** A customer owes an amount. */
export interface Task {
  readonly id: string
  readonly customer: string
  readonly cents: number
}

/** Checks what comes from outside. A schema of a library such as zod does the same. */
function task(value: unknown): Task {
  const { id, customer, cents } = value as Partial<Task>
  if (typeof id === 'string' && typeof customer === 'string' && typeof cents === 'number') {
    return { id, customer, cents }
  }
  throw new Error('a task has an id, a customer and cents')
}

/** The other system does not want this task, however often it is asked. */
class Refused extends Error {}

/** It is called again after a crash, so the other system has to know a task by its id. */
async function charge(endpoint: string, { id, customer, cents }: Task, signal: AbortSignal): Promise<string> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify({ customer, cents }),
    signal,
  })
  if (answer.ok) return answer.text()
  const problem = `${endpoint} has answered ${answer.status}`
  throw answer.status < 500 ? new Refused(problem) : new Error(problem)
}

export default pipeline('task-queue', (p) => {
  const url = p.parameter('url', 'amqp://127.0.0.1:5672')
  const endpoint = p.parameter('endpoint', 'http://127.0.0.1:3000/charges')
  const queue = p.parameter('queue', 'tasks')
  const receipts = p.parameter('receipts', 'receipts')
  const failed = deadLetter('failed')

  p.from('tasks', rabbitmq.receiveJson({ url, queue, schema: task, deduplicateBy: 'messageId' }), {
    onError: failed,
  })
    .keyBy(({ customer }) => customer)
    .mapAsync(
      'charge',
      async (each, signal) => ({ id: each.id, receipt: await charge(endpoint, each, signal) }),
      {
        timeout: '5s',
        retry: { attempts: 5, firstDelay: '100ms', retryIf: (error) => !(error instanceof Refused) },
        breaker: { failures: 5, openFor: '1s' },
        onError: failed,
      },
    )
    .to('receipts', rabbitmq.writeJson({ url, queue: receipts, messageId: ({ id }) => id }))
})
