import type { EventTime } from '../kernel/time.ts'
import type { Receiver } from './receiver.ts'

/** A stateless step of a chain. */
export type Step =
  | { readonly kind: 'map'; readonly apply: (value: unknown) => unknown }
  | { readonly kind: 'filter'; readonly apply: (value: unknown) => boolean }
  | { readonly kind: 'flatMap'; readonly apply: (value: unknown) => Iterable<unknown> }
  | { readonly kind: 'tap'; readonly apply: (value: unknown) => void }
  | { readonly kind: 'pass' }

/** Tells which step was running when something was thrown. */
export interface StepCursor {
  step: number
}

type Receive = (value: unknown, time: EventTime) => void

/**
 * Turns neighbouring steps into one function that calls the user's functions directly.
 *
 * The function is compiled from the fixed templates below: nothing a user wrote becomes source text. Each
 * gets code of its own, so that every call in it sees one callee and V8 can inline it; a shared loop would
 * see them all and inline none. Where code cannot be compiled (a page with a strict content security
 * policy), the same steps run as nested closures, slower and otherwise the same.
 */
export function fuse(steps: readonly Step[], target: Receiver, cursor: StepCursor): Receive {
  try {
    return compiled(steps, target, cursor)
  } catch (error) {
    if (error instanceof EvalError) return nested(steps, target, cursor)
    throw error
  }
}

let compilations = 0

function compiled(steps: readonly Step[], target: Receiver, cursor: StepCursor): Receive {
  const opening: string[] = []
  const closing: string[] = []
  let value = 'v'
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'pass') continue
    opening.push(`cursor.step = ${i}`)
    if (step.kind === 'map') {
      opening.push(`const v${i} = f${i}(${value})`)
      value = `v${i}`
    } else if (step.kind === 'filter') {
      opening.push(`if (f${i}(${value})) {`)
      closing.push('}')
    } else if (step.kind === 'flatMap') {
      opening.push(`for (const v${i} of f${i}(${value})) {`)
      // The next element is pulled by this step's iterator, so what that throws is this step's.
      closing.push(`cursor.step = ${i} }`)
      value = `v${i}`
    } else {
      opening.push(`f${i}(${value})`)
    }
  }
  const names = steps.map((_, i) => `f${i}`).join(', ')
  // The number keeps V8 from finding the code of another chain in its cache, and that chain's type feedback with it.
  const source = `// chain ${++compilations}
    const [${names}] = functions
    return function receive(v, time) {
      ${opening.join('\n')}
      target.receive(${value}, time)
      ${closing.toReversed().join('\n')}
    }`
  const functions = steps.map((step) => (step.kind === 'pass' ? undefined : step.apply))
  // oxlint-disable-next-line typescript/no-implied-eval -- fixed templates; nothing a user wrote becomes source text
  return new Function('functions', 'target', 'cursor', source)(functions, target, cursor) as Receive
}

/** The same without compiling. Exported for its test, which holds it against the compiled form. */
export function nested(steps: readonly Step[], target: Receiver, cursor: StepCursor): Receive {
  let next: Receive = (value, time) => target.receive(value, time)
  for (let i = steps.length - 1; i >= 0; i--) next = wrap(steps[i]!, i, next, cursor)
  return next
}

function wrap(step: Step, index: number, next: Receive, cursor: StepCursor): Receive {
  switch (step.kind) {
    case 'pass':
      return next
    case 'map':
      return (value, time) => {
        cursor.step = index
        next(step.apply(value), time)
      }
    case 'filter':
      return (value, time) => {
        cursor.step = index
        if (step.apply(value)) next(value, time)
      }
    case 'tap':
      return (value, time) => {
        cursor.step = index
        step.apply(value)
        next(value, time)
      }
    case 'flatMap':
      return (value, time) => {
        cursor.step = index
        for (const element of step.apply(value)) {
          next(element, time)
          cursor.step = index
        }
      }
  }
}
