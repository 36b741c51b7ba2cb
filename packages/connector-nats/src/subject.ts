/** Subjects: words with dots between them. In a pattern `*` is any word, and `>` at the end is one or more. */

/** Whether a message may have this subject. */
export function isSubject(subject: unknown): subject is string {
  return typeof subject === 'string' && subject.split('.').every((word) => /^[^\s*>]+$/.test(word))
}

/** Whether something is a subject or a pattern of subjects. */
export function isPattern(pattern: unknown): pattern is string {
  if (typeof pattern !== 'string') return false
  const words = pattern.split('.')
  return words.every((word, at) => {
    if (word === '*') return true
    return word === '>' ? at === words.length - 1 : /^[^\s*>]+$/.test(word)
  })
}

/** Whether a subject fits a pattern. */
export function fits(subject: string, pattern: string): boolean {
  const words = subject.split('.')
  const wanted = pattern.split('.')
  for (const [at, word] of wanted.entries()) {
    if (word === '>') return words.length > at
    if (at >= words.length || (word !== '*' && word !== words[at])) return false
  }
  return words.length === wanted.length
}
