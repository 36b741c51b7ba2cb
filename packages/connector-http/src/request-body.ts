import { describeError, isMillraceError } from '@millrace/core'
import { decodeJson, jsonElements, LineSplitter, withoutByteOrderMark } from '@millrace/core/connector'
import type { BodyFormat, CharsetDecoder } from './content-type.ts'
import { Refusal } from './refusal.ts'

/**
 * Splits a body in UTF-8 into records, each as its JSON text. Every text is valid JSON of limited depth.
 *
 * Blank lines and a byte order mark are skipped. A body that is one record of any bytes is left as it is. Throws a `Refusal` that names the first invalid line.
 */
export function recordsIn(body: Uint8Array, format: BodyFormat): Uint8Array[] {
  if (format === 'record') return [body]
  const content = withoutByteOrderMark(body)
  return format === 'json-lines' ? recordsInLines(content) : recordsInJson(content, format)
}

/** The body in UTF-8. Throws a `Refusal` for bytes that are invalid in its encoding. */
export function inUtf8(body: Uint8Array, decoder: CharsetDecoder | undefined): Uint8Array {
  if (decoder === undefined) return body
  try {
    return new TextEncoder().encode(decoder.decode(body))
  } catch {
    throw new Refusal(400, `the body is not ${decoder.encoding}, as its Content-Type says; send UTF-8`)
  }
}

function recordsInLines(body: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = []
  const lines = new LineSplitter(body.length)
  lines.push(body)
  lines.end()
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (isBlank(line.bytes)) continue
    requireJson(line.bytes, line.number)
    records.push(line.bytes)
  }
  return records
}

function recordsInJson(body: Uint8Array, format: 'json' | 'event' | 'event-batch'): Uint8Array[] {
  const value = requireJson(body, undefined)
  if (format === 'event' && !isObject(value)) {
    throw new Refusal(
      400,
      'a body of application/cloudevents+json is one event, an object; send several as application/cloudevents-batch+json',
    )
  }
  if (format === 'event-batch' && !(Array.isArray(value) && value.every(isObject))) {
    throw new Refusal(
      400,
      'a body of application/cloudevents-batch+json is an array of events, which are objects',
    )
  }
  return Array.isArray(value) ? elementsOf(body) : [body]
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requireJson(bytes: Uint8Array, line: number | undefined): unknown {
  try {
    return decodeJson(bytes)
  } catch (error) {
    const reason = isMillraceError(error) ? error.message : describeError(error)
    throw new Refusal(400, line === undefined ? reason : `line ${line}: ${reason}`, { line })
  }
}

/** One character for each byte: JSON's structure is ASCII, and no byte of another character looks like it. */
const bytewise = new TextDecoder('latin1')

/** The texts of the elements of an array. The text is valid JSON. */
function elementsOf(body: Uint8Array): Uint8Array[] {
  return jsonElements(bytewise.decode(body)).map(([start, end]) => body.subarray(start, end))
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) return false
  }
  return true
}
