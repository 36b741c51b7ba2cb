import {
  isThenable,
  refusePromise,
  type Collector,
  type Operator,
  type OperatorContext,
  type StreamRecord,
} from '@millrace/core/operator'
import { requireSynchronous } from '../synchronous.ts'
import type { OperatorParts } from './operator-parts.ts'

interface OutputTest {
  readonly name: string
  readonly test: (value: unknown) => boolean
}

/** Sends each record to the output of the first test it passes, or to the main output. */
class SplitOperator implements Operator<unknown, unknown> {
  readonly #tests: readonly OutputTest[]
  readonly #outputs: Collector<unknown>[] = []

  constructor(tests: readonly OutputTest[]) {
    this.#tests = tests
  }

  open(context: OperatorContext): void {
    for (const { name } of this.#tests) this.#outputs.push(context.output(name))
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): void {
    const { value } = record
    const index = this.#tests.findIndex(({ test }) => isPassed(test(value)))
    const output = index === -1 ? out : this.#outputs[index]!
    output.emit(value)
  }
}

function isPassed(result: unknown): boolean {
  if (isThenable(result)) refusePromise(result, 'its test returned')
  return Boolean(result)
}

/** The parts of the node of `split`. */
export function splitParts(
  name: string,
  outputs: Readonly<Record<string, (value: unknown) => boolean>>,
): OperatorParts {
  const tests = Object.entries(outputs).map(([output, test]) => ({ name: output, test }))
  for (const { test } of tests) requireSynchronous(test, 'split', name)
  const create = () => new SplitOperator(tests)
  const names = Object.keys(outputs)
  return { type: 'split', fingerprint: undefined, outputs: names, declared: names, create }
}
