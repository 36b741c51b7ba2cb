import { readFileSync } from 'node:fs'
import process from 'node:process'
import { MillraceError, Secret } from '@millrace/core'

/**
 * Returns the secret in an environment variable. It is read each time it is needed, which throws `OPTION_INVALID` if it is not
 * set.
 *
 * @example
 * redis.readJson('orders', { url: secretFromEnvironment('REDIS_URL') })
 */
export function secretFromEnvironment(name: string): Secret {
  return new Secret(() => {
    const text = process.env[name]
    if (text !== undefined && text !== '') return text
    throw unreadable(`the environment variable ${name} is not set; set it to the secret`)
  })
}

/**
 * Returns the secret in a file, as containers get it: UTF-8 text, without the newline at its end. It is read each time it is
 * needed, so a connection that is made later uses what the file has then. Throws `OPTION_INVALID` then if it cannot be read.
 *
 * @example
 * const password = secretFromFile('/run/secrets/kafka-password')
 */
export function secretFromFile(path: string): Secret {
  return new Secret(() => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (cause) {
      const { code = 'an error' } = cause as NodeJS.ErrnoException
      throw unreadable(`the file ${path} with a secret cannot be read: ${code}; check path and rights`)
    }
    text = text.replace(/\r?\n$/, '')
    if (text === '') throw unreadable(`the file ${path} with a secret is empty; write the secret into it`)
    return text
  })
}

function unreadable(message: string): MillraceError {
  return new MillraceError('OPTION_INVALID', message, { isFinal: true })
}
