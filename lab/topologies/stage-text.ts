import type { Part, Times } from '../../packages/flow/test/pattern-reference.ts'
import type { Stages } from './last-shapes.ts'

/** Describes a pattern in words. */
export function stagesText({ parts, withinMs, afterMatch }: Stages): string {
  const skip = typeof afterMatch === 'string' ? afterMatch : JSON.stringify(afterMatch)
  return `match(${parts.map(partText).join(' ')} within ${withinMs} ms, ${skip})`
}

function partText(part: Part): string {
  if (part.kind === 'not') return `${part.isNext ? 'notNext' : 'notFollowedBy'} ${part.letter}`
  if (part.kind === 'group')
    return `${part.how} (${part.parts.map(partText).join(' ')})${timesText(part.times)}`
  const { name, letters, isRising, until, isGreedy, how, times } = part
  const words = [
    `${how} ${name}=${letters}${isRising ? ' rising' : ''}${timesText(times)}`,
    ...(isGreedy ? ['greedy'] : []),
    ...(until === undefined ? [] : [`until ${until}`]),
  ]
  return words.join(' ')
}

function timesText({ loop, isOptional }: Times): string {
  const often = loop === undefined ? '' : `{${loop.min},${loop.max} ${loop.inner}}`
  return `${often}${isOptional ? '?' : ''}`
}
