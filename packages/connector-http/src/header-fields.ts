/** A trace (W3C Trace Context and Baggage): records carry these without being asked. */
export const traceFields: readonly string[] = ['traceparent', 'tracestate', 'baggage']

/** With these a client says who it is: no record carries them. */
const credentials = new Set(['authorization', 'proxy-authorization', 'cookie'])

/** Whether a text may be the name of a header field. */
export function isFieldName(name: unknown): name is string {
  return typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name)
}

/** Whether a value is text of one line in Latin-1, as header fields are. */
export function isFieldValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

/** Whether a field tells who a client is. */
export function isCredential(name: string): boolean {
  return credentials.has(name.toLowerCase())
}
