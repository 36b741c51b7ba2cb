import type { TaskReport } from './coordinator.ts'
import type { InputEntry, OperatorEntry } from './manifest.ts'
import { keysOf, type Graph, type GraphNode, type Input, type OperatorNode } from '../graph/node.ts'
import { selectorMark } from '../operator/key-kinds.ts'
import { keyEncoding } from '../record/key-token.ts'
import { callsFingerprint } from '../state/calls-in-flight.ts'
import { retryFingerprint } from '../state/records-to-retry.ts'
import {
  settingText,
  type StatePiece,
  type StateSetting,
  noPieces,
  statePiece,
  type Fingerprint,
} from '../state/fingerprint.ts'

/** The parts of a program that store data in checkpoints, as in a manifest of a first run. */
export function entriesOf(graph: Graph): readonly OperatorEntry[] {
  return graph.nodes.flatMap((node) => {
    const part = partOf(node)
    if (part === undefined) return []
    const inputs = inputEntriesOf(node, graph)
    return [{ name: node.name, ...part, earlier: [], keys: [], keySelector: keySelectorOf(node), inputs }]
  })
}

function keySelectorOf(node: GraphNode): string | null {
  return node.kind === 'operator' ? selectorMark(keysOf(node)) : null
}

function inputEntriesOf(node: GraphNode, graph: Graph): readonly InputEntry[] {
  if (node.kind !== 'operator' || node.inputs.length === 1) return []
  return node.inputs.map((input) => ({ name: input.name!, from: originsOf(input, graph) }))
}

/** The nearest named parts before an input, sorted. */
function originsOf({ from, output }: Input, graph: Graph): readonly string[] {
  const node = graph.nodes.find(({ id }) => id === from)!
  if (node.kind === 'step' || node.kind === 'timestamps') {
    return [...new Set(node.inputs.flatMap((input) => originsOf(input, graph)))].toSorted()
  }
  return [output === 'main' ? node.name : `${node.name}.${output}`]
}

function partOf(node: GraphNode): (Fingerprint & Pick<OperatorEntry, 'kind' | 'type'>) | undefined {
  switch (node.kind) {
    case 'source': {
      const { kind, positionVersion = 1 } = node.source
      return { kind: 'source', type: kind, ...connectorPiece('positions', kind, positionVersion) }
    }
    case 'operator': {
      if (node.fingerprint === undefined && !isRetried(node)) return undefined
      const own = operatorFingerprint(node, node.fingerprint ?? noPieces)
      return { kind: 'operator', type: node.type, ...withRetry(node, own) }
    }
    case 'step':
      return isRetried(node)
        ? { kind: 'operator', type: node.step.kind, ...withRetry(node, noPieces) }
        : undefined
    case 'async':
      return { kind: 'async', type: 'mapAsync', ...callsFingerprint }
    case 'sink': {
      const { kind, guarantee, committableVersion = 1 } = node.sink
      const prepared = connectorPiece('committables', kind, committableVersion)
      const own = guarantee === 'exactly-once' ? prepared : noPieces
      return { kind: 'sink', type: kind, ...withRetry(node, own) }
    }
    default:
      return undefined
  }
}

function isRetried({ onError }: GraphNode): boolean {
  return onError.kind === 'deadLetter' && onError.retry !== undefined
}

/** Records that wait for another attempt are state. */
function withRetry(node: GraphNode, own: Fingerprint): Fingerprint {
  return isRetried(node) ? { ...own, pieces: [...own.pieces, ...retryFingerprint.pieces] } : own
}

/** Positions and committables are JSON that only the connector understands. */
function connectorPiece(name: string, connector: string, version: number): Fingerprint {
  return { pieces: [statePiece(name, { name, codec: { id: connector, version } })], settings: [] }
}

function operatorFingerprint(node: OperatorNode, { pieces, settings }: Fingerprint): Fingerprint {
  if (keysOf(node).length === 0) return { pieces, settings }
  const own = [...settings, { name: 'key encoding', value: keyEncoding }]
  return { pieces, settings: node.seed === undefined ? own : [...own, seedSetting(node.name, node.seed.id)] }
}

/** State that exists is never seeded again: it would overwrite what records have made of it. */
function seedSetting(operator: string, id: string): StateSetting {
  const whenChanged = `state is kept, and the seed is not applied to it. To begin with the seed, drop the state with --drop-state ${operator}`
  return { name: 'seed', value: id, whenChanged }
}

/** The entries with the kinds of key of all subtasks of each operator. */
export function withKeys(
  entries: readonly OperatorEntry[],
  reports: readonly TaskReport[],
): readonly OperatorEntry[] {
  const kinds = new Map<string, Set<string>>()
  const selectors = new Map<string, Set<string | null>>()
  for (const { keys = [] } of reports) {
    for (const { operator, kinds: seen, selector } of keys) {
      kinds.set(operator, new Set([...(kinds.get(operator) ?? []), ...seen]))
      selectors.set(operator, new Set([...(selectors.get(operator) ?? []), selector]))
    }
  }
  return entries.map((entry) => {
    // A subtask that has had a key of the program's own selector decides for all.
    const changed = [...(selectors.get(entry.name) ?? [])].find((selector) => selector !== entry.keySelector)
    return {
      ...entry,
      keys: [...(kinds.get(entry.name) ?? [])].toSorted(),
      keySelector: changed ?? entry.keySelector,
    }
  })
}

/** The effect of a changed program on the state of one part. */
export interface PartComparison {
  /** Why its state cannot be restored, as sentences with advice; empty if it can. */
  readonly problems: readonly string[]
  /** How its state is converted, as phrases. */
  readonly conversions: readonly string[]
  /** Settings whose new value continues the state of an old one. */
  readonly changed: readonly StateSetting[]
  /** Pieces whose values are dropped at the user's request. */
  readonly dropped: readonly StatePiece[]
}

/** Whether the user has asked to drop a piece of state, whether or not it could be restored. */
export type MayDrop = (piece: string, isRestorable: boolean) => boolean

/** Compares a part of the program with the checkpoint's part of the same name. */
export function compareParts(before: OperatorEntry, now: OperatorEntry, mayDrop: MayDrop): PartComparison {
  if (before.kind !== now.kind || before.type !== now.type) {
    return {
      problems: [`it was ${typeText(before)} and is ${typeText(now)}. Undo the change, ${waysOut(before)}`],
      conversions: [],
      changed: [],
      dropped: [],
    }
  }
  const comparison = { problems: [], conversions: [], changed: [], dropped: [] }
  compareInputs(before, now, comparison)
  compareSettings(before, now, comparison)
  comparePieces(before, now, mayDrop, comparison)
  return comparison
}

type Lists = { readonly [List in keyof PartComparison]: PartComparison[List][number][] }

/** State contains records of each input, so records of one must not be read as those of another. */
function compareInputs(before: OperatorEntry, now: OperatorEntry, lists: Lists): void {
  const [old, own] = [before.inputs, now.inputs]
  const names = (inputs: readonly InputEntry[]): string => inputs.map(({ name }) => `'${name}'`).join(' and ')
  if (old.length !== own.length || !old.every(({ name }) => own.some((input) => input.name === name))) {
    lists.problems.push(
      `it had ${inputsText(names(old))} and has ${inputsText(names(own))}. Undo the change, ${waysOut(before)}`,
    )
    return
  }
  for (const input of old) {
    const { from } = own.find(({ name }) => name === input.name)!
    if (isSame(from, input.from)) continue
    const change = `input '${input.name}' read ${originText(input.from)} and reads ${originText(from)}`
    const other = old.find((each) => each.name !== input.name && isSame(each.from, from))
    if (other === undefined) lists.conversions.push(change)
    else {
      lists.problems.push(
        `${change}, which was input '${other.name}', so its state would be read as records of the other. Undo the change, ${waysOut(before)}`,
      )
    }
  }
}

function inputsText(names: string): string {
  return names === '' ? 'one input' : `inputs ${names}`
}

function originText(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(' and ')
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i])
}

function compareSettings(before: OperatorEntry, now: OperatorEntry, lists: Lists): void {
  const { name } = before
  const names = new Set([...before.settings, ...now.settings].map((setting) => setting.name))
  const changes: string[] = []
  for (const each of names) {
    const old = before.settings.find((setting) => setting.name === each)
    const own = now.settings.find((setting) => setting.name === each)
    if (old?.value === own?.value) continue
    const change = `${each} was ${settingText(old)} and is ${settingText(own)}`
    const effect = own?.whenChanged ?? old?.whenChanged
    if (effect !== undefined) lists.conversions.push(own === undefined ? change : `${change}: ${effect}`)
    else if (old !== undefined && own?.mayChange === true) {
      lists.conversions.push(change)
      lists.changed.push(old)
    } else {
      changes.push(change)
    }
  }
  if (changes.length === 0) return
  lists.problems.push(
    `${changes.join(', ')}. Undo the change, keep '${name}' and add the new operator under another name, or drop its state with --drop-state ${name}`,
  )
}

function comparePieces(before: OperatorEntry, now: OperatorEntry, mayDrop: MayDrop, lists: Lists): void {
  for (const old of before.pieces) {
    const own = now.pieces.find((piece) => piece.role === old.role && piece.name === old.name)
    const change = own && changeOf(old, own)
    const isRestorable = own !== undefined && change === undefined
    if (old.role === 'state' && mayDrop(old.name, isRestorable)) {
      lists.dropped.push(old)
    } else if (isRestorable) {
      if (own.codecVersion > old.codecVersion) lists.conversions.push(migration(old, own))
      if (own.expiresBy !== old.expiresBy) lists.conversions.push(expiryText(old, own))
    } else if (own === undefined && old.role === 'aggregate') {
      lists.conversions.push(`${pieceText(old)} was removed and its values are dropped`)
    } else {
      lists.problems.push(problemText(old, change ?? removalOf(old, before, now), before))
    }
  }
  for (const own of now.pieces) {
    if (before.pieces.some((old) => old.role === own.role && old.name === own.name)) continue
    const where = own.role === 'aggregate' ? ', also in windows that are open' : ''
    lists.conversions.push(`${pieceText(own)} is new and starts empty${where}`)
  }
}

/** Why the values of a piece cannot be restored, with advice. */
interface Change {
  readonly what: string
  readonly help: string
}

/** How a piece of the program differs from the one in the checkpoint, if its values cannot be read. */
function changeOf(old: StatePiece, own: StatePiece): Change | undefined {
  const help = 'Undo the change'
  if (own.kind !== old.kind) return { what: `was of kind ${old.kind} and is of kind ${own.kind}`, help }
  if (own.version !== old.version)
    return { what: `had version ${old.version} and has version ${own.version}`, help }
  if (own.codec !== old.codec) {
    return {
      what: `was written by codec '${old.codec}' and has codec '${own.codec}', which cannot read it`,
      help: 'Migrate the values with evolvingCodec',
    }
  }
  if (own.codecVersion >= old.codecVersion) return undefined
  return {
    what: `was written by version ${old.codecVersion} of codec '${old.codec}', and the program has the older version ${own.codecVersion}`,
    help: 'Run the newer program',
  }
}

function removalOf(old: StatePiece, before: OperatorEntry, now: OperatorEntry): Change {
  const added = now.pieces.filter((own) => !before.pieces.some(({ name }) => name === own.name))
  const twins = added.filter(({ kind }) => kind === old.kind).map(pieceText)
  const hint = twins.length === 0 ? '' : ` (if ${twins.join(' or ')} is a new name for it, use the old one)`
  return { what: `was removed${hint}`, help: 'Declare it again' }
}

function migration(old: StatePiece, own: StatePiece): string {
  return `${pieceText(own)} is migrated from version ${old.codecVersion} to ${own.codecVersion} of codec '${own.codec}' as it is read`
}

/** Stamps of one clock mean nothing to the other, and a value without a stamp has not been counted. */
function expiryText(old: StatePiece, own: StatePiece): string {
  if (own.expiresBy === undefined) return `${pieceText(own)} no longer expires`
  const change =
    old.expiresBy === undefined
      ? `expires now, by ${own.expiresBy} time`
      : `expired by ${old.expiresBy} time and expires by ${own.expiresBy} time`
  return `${pieceText(own)} ${change}; the time to live of its values begins with this start`
}

function problemText(old: StatePiece, { what, help }: Change, part: OperatorEntry): string {
  const { kind, name } = part
  const problem = `${pieceText(old)} ${what}. ${help}`
  if (kind !== 'operator') return `${problem}, ${waysOut(part)}`
  if (old.role === 'state') return `${problem}, or drop its values with --drop-state ${name}/${old.name}`
  return `${problem}, give the new aggregate another name, so that it starts empty, or drop the state of all with --drop-state ${name}`
}

/** What is lost with an operator's state, by the names that the user gave. */
export function lossText({ pieces }: OperatorEntry): string {
  const aggregates = pieces.filter(({ role }) => role === 'aggregate')
  const [what, lost] = aggregates.length > 0 ? ['open windows', aggregates] : ['state', pieces]
  if (lost.length === 0) return 'its timers are gone'
  return `its ${what} (${lost.map(({ name }) => name).join(', ')}) and timers are gone`
}

function typeText({ kind, type }: OperatorEntry): string {
  return kind === 'source' || kind === 'sink' ? `a ${kind} of type ${type}` : `an operator of type ${type}`
}

function pieceText({ role, name }: StatePiece): string {
  return `${role} '${name}'`
}

/** The options when a whole part cannot be restored, besides undoing the change. */
export function waysOut({ name, kind }: OperatorEntry): string {
  const drop = `or drop its state with --drop-state ${name}`
  return kind === 'sink' ? `or start and stop the old program, which commits what is pending, ${drop}` : drop
}
