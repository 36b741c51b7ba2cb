import type { Change, Grouping, Test } from './item.ts'
import type { Part, Program, SourceSpec, StreamRef, Topology } from './topology.ts'

/** A topology in words: a paragraph of which each sentence is a source, a part or a sink. */
export function topologyText(topology: Topology): string {
  const { seed, sources, parts, sinks, policy, letters } = topology
  const sentences = [
    `Topology ${seed}, which by default ${policyWords[policy]}${policy === 'deadLetter' ? ` (${letters})` : ''}.`,
    ...sources.map(sourceText),
    ...parts.map(
      (part) =>
        `${part.name} = ${partText(part)} of ${streamsText(part)}${part.policy === undefined ? '' : `, ${policyWords[part.policy]}`}${part.poison === undefined ? '' : `, poisoned by figures ${testText(part.poison)}`}.`,
    ),
    `Sinks: ${sinks.map(({ from, guarantee }) => `${refText(from)} (${guarantee})`).join(', ')}.`,
  ]
  return sentences.join(' ')
}

const policyWords = {
  fail: 'stops at what throws',
  skip: 'skips what throws',
  deadLetter: 'sends what throws to the dead letters',
} as const

function sourceText({ name, durability, splits, disorderMs, step }: SourceSpec): string {
  const sizes = splits.map(
    ({ readings, spoiled }) =>
      `${readings.length}${spoiled.length > 0 ? ` and ${spoiled.length} spoiled` : ''}`,
  )
  const time = disorderMs === undefined ? 'no event time' : `disorder ${disorderMs} ms`
  const inside =
    step === undefined
      ? ''
      : `, behind a ${step.kind}: ${step.kind === 'map' ? changeText(step.change) : testText(step.test)}`
  return `${name} is ${durability}, splits of ${sizes.join(' + ')} readings, ${time}${inside}.`
}

function partText(part: Part): string {
  switch (part.kind) {
    case 'map':
      return `map(${changeText(part.change)})`
    case 'filter':
      return `filter(${testText(part.test)})`
    case 'flatMap':
      return `flatMap(up to ${part.times})`
    case 'tap':
    case 'union':
      return part.kind
    case 'split':
      return `split(${part.branches.map(testText).join('; ')})`
    case 'mapAsync':
      return `mapAsync(${changeText(part.change)}, order ${part.order}, ${part.concurrency} at once)${byText(part.by)}`
    case 'reduce':
    case 'scan':
      return `${part.kind}(${part.how})${byText(part.by)}`
    case 'process':
      return `process(${programText(part.program)})${byText(part.by)}`
    case 'window': {
      const { sizeMs, slideMs, offsetMs } = part.shape
      const shape = slideMs === undefined ? `tumbling ${sizeMs} ms` : `sliding ${sizeMs} ms by ${slideMs} ms`
      const figures = part.aggregates.map(
        ({ kind, only }) => `${kind}${only === undefined ? '' : ` where ${testText(only)}`}`,
      )
      return `window(${shape}, offset ${offsetMs}, lateness ${part.latenessMs}: ${figures.join(', ')})${byText(part.by)}`
    }
  }
}

function programText({ keeps, timers, emitsAtOnce, keepsMax, side, delayMs, aheadMs }: Program): string {
  const words = [`keeps a ${keeps} up to ${keepsMax}`]
  if (timers !== 'none')
    words.push(`timers of ${timers} after ${delayMs} ms${aheadMs > 0 ? `, results ${aheadMs} ms ahead` : ''}`)
  if (emitsAtOnce) words.push('emits at once')
  if (side !== undefined) words.push(`side output where ${testText(side)}`)
  return words.join(', ')
}

function streamsText(part: Part): string {
  return [part.from, ...(part.kind === 'union' ? part.others : [])].map(refText).join(' and ')
}

function refText({ node, output }: StreamRef): string {
  return output === 'main' ? node : `${node}.${output}`
}

function changeText(change: Change): string {
  return change.kind === 'rekey' ? `key = figure mod ${change.mod}` : `times ${change.by} plus ${change.plus}`
}

function testText({ mod, below }: Test): string {
  return `mod ${mod} < ${below}`
}

function byText(by: Grouping | undefined): string {
  if (by === undefined) return ''
  return ` by ${by.kind === 'figure' ? `figure mod ${by.mod}` : by.kind}`
}
