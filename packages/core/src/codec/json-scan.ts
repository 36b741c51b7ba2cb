/** Looks into JSON text without parsing it. */

/** A string, a number or a mark of structure in JSON text. */
export interface JsonToken {
  readonly text: string
  readonly index: number
}

/** The strings, numbers and marks of structure in `text`, which must be valid JSON. */
export function* jsonTokens(text: string): Generator<JsonToken> {
  let end = 0
  for (let index = 0; index < text.length; index = end) {
    const first = text[index]!
    if (first === '"') end = endOfString(text, index) + 1
    else if (isNumeric(first)) end = endOfNumber(text, index)
    else {
      end = index + 1
      if (!structure.includes(first)) continue
    }
    yield { text: text.slice(index, end), index }
  }
}

const structure = '[]{},:'

function isNumeric(character: string | undefined): boolean {
  return character !== undefined && '-0123456789'.includes(character)
}

/** The first index after the number that begins at `start`. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (isNumeric(text[end]) || (end < text.length && '.eE+'.includes(text[end]!))) end++
  return end
}

/**
 * Where each element of the JSON array `text` begins and ends, whitespace around it included. `text` must be valid
 * JSON; bytes may be passed as text of one character each, as the structure of JSON is ASCII.
 *
 * @example
 * jsonElements('[1,"a,b"]') // => [[1, 2], [3, 8]]
 */
export function jsonElements(text: string): [start: number, end: number][] {
  const elements: [number, number][] = []
  let depth = 0
  let start = 0
  for (const { text: found, index } of jsonTokens(text)) {
    if (found === '[' || found === '{') {
      if (depth++ === 0) start = index + 1
    } else if (found === ']' || found === '}') {
      if (--depth === 0 && text.slice(start, index).trim() !== '') elements.push([start, index])
    } else if (found === ',' && depth === 1) {
      elements.push([start, index])
      start = index + 1
    }
  }
  return elements
}

/** Whether more than `depth` brackets are open somewhere in `text`, which need not be valid JSON. */
export function isDeeperThan(text: string, depth: number): boolean {
  let open = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 0x22) i = endOfString(text, i)
    else if (unit === 0x5b || unit === 0x7b) {
      if (++open > depth) return true
    } else if (unit === 0x5d || unit === 0x7d) open--
  }
  return false
}

/** The index of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 0x5c) i++
    else if (unit === 0x22) return i
  }
  return text.length
}
