const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Bytes as base64 text with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 3)
  let text = ''
  for (let i = 0; i < whole; i += 3) {
    const word = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text += digits[word >> 18]! + digits[(word >> 12) & 63]! + digits[(word >> 6) & 63]! + digits[word & 63]!
  }
  const rest = bytes.length - whole
  if (rest === 0) return text
  const word = (bytes[whole]! << 16) | ((bytes[whole + 1] ?? 0) << 8)
  const third = rest === 2 ? digits[(word >> 6) & 63]! : '='
  return `${text}${digits[word >> 18]!}${digits[(word >> 12) & 63]!}${third}=`
}
