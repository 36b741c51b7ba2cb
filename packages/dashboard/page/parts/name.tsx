import type { JSX } from 'preact'

const shownLength = 120
const titleLength = 1_000
const sentenceLength = 600
/** Control characters and invisible ones, such as those that turn the text around them; not those within words and emoji. */
const invisible = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Text from data, safe to show: cut to a length, with invisible characters made visible. */
export function visible(text: string, length: number = shownLength): string {
  const cut = text.length > length ? `${text.slice(0, length)}…` : text
  return cut.replace(invisible, '\ufffd')
}

/** A name from data. Its direction of writing does not change the text around it. */
export function Name({ text, length = shownLength }: { text: string; length?: number }): JSX.Element {
  const shown = visible(text, length)
  return (
    <bdi class="name" title={text.length > 24 || shown !== text ? visible(text, titleLength) : undefined}>
      {shown === '' ? '(empty)' : shown}
    </bdi>
  )
}

/** A sentence with names in backticks: those are shown as code. */
export function Sentence({ text }: { text: string }): JSX.Element {
  return (
    <>
      {visible(text, sentenceLength)
        .replace(/(\d) %/g, '$1\u00a0%')
        .split('`')
        .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}
    </>
  )
}
