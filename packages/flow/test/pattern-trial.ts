/** Runs patterns over letters: an event is a text such as 'a1', whose time is its place in the line. */
import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { pipeline, type AnyPattern, type MatchOptions } from '@millrace/flow'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'

/** An event of a key. */
export interface Letter {
  readonly key: string
  readonly name: string
  readonly at: number
}

/** Whether the name of an event begins with a letter. */
export const is =
  (letter: string) =>
  ({ name }: Letter): boolean =>
    name.startsWith(letter)

/** The operator that `match` creates. */
export function matchNode<M>(
  pattern: AnyPattern<Letter, M>,
  options?: MatchOptions<keyof M & string>,
): OperatorNode {
  const { graph } = pipeline('trial', (p) => {
    p.from('letters', memory.read<Letter>({}))
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ key }) => key)
      .match('match', pattern, options)
      .to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** A harness with that operator. */
export function matchHarness(node: OperatorNode, isTight = false): OperatorHarness<Letter> {
  return operatorHarness<Letter>(() => node.create(), {
    keyBy: keysOf(node)[0]!,
    outputs: node.outputs,
    isTight,
  })
}

/** The events 'a1 b1', at times 1 and 2, or at those that a name gives: 'a1@5'. */
export function letters(line: string, key = 'k'): readonly Letter[] {
  return line
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index) => {
      const [name, at = String(index + 1)] = word.split('@')
      return { key, name: name!, at: Number(at) }
    })
}

/** The events of a match, stage by stage: 'a1 b1'. */
export function matchText(value: unknown): string {
  return Object.values(value as Record<string, unknown>)
    .flat()
    .filter((event): event is Letter => typeof event === 'object' && event !== null)
    .map(({ name }) => name)
    .join(' ')
}

/** The matches of a pattern in a line of events, as texts. Fails if state is left behind. */
export function matchesOf<M>(
  pattern: AnyPattern<Letter, M>,
  line: string,
  options?: MatchOptions<keyof M & string>,
): readonly string[] {
  const harness = matchHarness(matchNode(pattern, options))
  for (const letter of letters(line)) harness.record(letter, letter.at)
  harness.end()
  const left = Object.entries(harness.cells()).filter(([, size]) => size > 0)
  if (left.length > 0) throw new Error(`state is left: ${JSON.stringify(left)}`)
  return harness.outputs.map(({ value }) => matchText(value))
}
