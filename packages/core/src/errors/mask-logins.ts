/** What an address has between `://` and its last `@`: user and password, or a token. */
const login = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s/?#"'`<>]+@/giu

/**
 * Returns the text without user and password of the addresses in it. For every message that may repeat an address.
 *
 * @example
 * maskLogins('no answer of redis://app:word@host:6379') // => 'no answer of redis://***@host:6379'
 */
export function maskLogins(text: string): string {
  return text.includes('://') ? text.replace(login, '$1***@') : text
}
