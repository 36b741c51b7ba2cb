import { settingText } from '@millrace/core/operator'
import type { OperatorEntry } from '@millrace/core/job'

type Piece = OperatorEntry['pieces'][number]

/**
 * Describes what a checkpoint knows of one part, in one line.
 *
 * @example
 * partText(entry)
 * // => 'per-card: window, keys string; aggregates n (count); window kind tumbling, window size 1m, allowed lateness 0ms'
 */
export function partText({
  name,
  kind,
  type,
  pieces,
  settings,
  earlier,
  keys,
  inputs,
}: OperatorEntry): string {
  const head = keys.length === 0 ? type : `${type}, keys ${keys.join(' and ')}`
  if (kind === 'source' || kind === 'sink') return `${name}: ${head}${pieces.map(versionText).join('')}`
  const state = pieces.filter(({ role }) => role === 'state').map(pieceText)
  const aggregates = pieces.filter(({ role }) => role === 'aggregate').map(pieceText)
  const facts = settings.map((setting) => {
    const values = earlier.filter((each) => each.setting === setting.name)
    const before = values.map(({ value }) => ` (${settingText({ ...setting, value })} before)`).join('')
    return `${setting.name} ${settingText(setting)}${before}`
  })
  const lists = [
    head,
    ...(inputs.length > 0 ? [`inputs ${inputs.map(inputText).join(', ')}`] : []),
    ...(aggregates.length > 0 ? [`aggregates ${aggregates.join(', ')}`] : []),
    // The aggregates already say how windows keep them.
    ...(state.length > 0 && aggregates.length === 0 ? [`state ${state.join(', ')}`] : []),
    ...(facts.length > 0 ? [facts.join(', ')] : []),
  ]
  return `${name}: ${lists.join('; ')}`
}

function inputText({ name, from }: OperatorEntry['inputs'][number]): string {
  return `${name} (${from.join(' and ')})`
}

function pieceText({ name, kind, version, codec, codecVersion, expiresBy }: Piece): string {
  const meaning = version === 1 ? kind : `${kind} version ${version}`
  const isPlain = codec === 'structured' && codecVersion === 1
  const expiry = expiresBy === undefined ? '' : `, expires by ${expiresBy} time`
  return `${name} (${meaning}${isPlain ? '' : `, codec ${codec} version ${codecVersion}`}${expiry})`
}

function versionText({ name, codecVersion }: Piece): string {
  return codecVersion === 1 ? '' : `, ${name} of version ${codecVersion}`
}
