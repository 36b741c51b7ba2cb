import { printableLine, Redaction } from '@millrace/core'

/** Characters of a text from outside that a message repeats. */
const longestExcerpt = 200

/** The redaction of what a URL has that must not be printed, and of further secrets. */
export function redactionOf(redaction: Redaction, url: URL): Redaction {
  const { search, pathname, searchParams } = url
  const path = pathname === '/' ? [] : [pathname, ...pathname.split('/').filter((part) => part.length > 12)]
  const { username, password, basic } = loginOf(url)
  return redaction.with([username, password, basic, search, ...searchParams.values(), ...path])
}

/** The beginning of a text from outside, on one line, without secrets. */
export function excerptOf(text: string, redaction: Redaction): string {
  const line = printableLine(redaction.redact(text).trim())
  return line.length > longestExcerpt ? `${line.slice(0, longestExcerpt)}…` : line
}

/** The part of a URL that may be printed: paths and queries of webhooks hold tokens. */
export function printableUrl(url: URL): string {
  return `${url.protocol}//${url.host}`
}

/** User and password of a URL, and both as HTTP sends them. */
function loginOf({ username, password }: URL): { username: string; password: string; basic: string } {
  const user = decoded(username)
  const word = decoded(password)
  const bytes = new TextEncoder().encode(`${user}:${word}`)
  return { username: user, password: word, basic: btoa(String.fromCharCode(...bytes)) }
}

/** The header fields that carry user and password of a URL. */
export function loginFields(url: URL): Readonly<Record<string, string>> {
  return url.username === '' && url.password === '' ? {} : { authorization: `Basic ${loginOf(url).basic}` }
}

/** The URL without user and password. */
export function withoutLogin(url: URL): URL {
  if (url.username === '' && url.password === '') return url
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare
}

/** A text with a stray percent sign is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
