import { Redaction, reveal } from '@millrace/core'
import type { SaslOptions } from '../options.ts'
import { isSame, nonce, scramProof, type HashName } from './doors/proof.ts'
import { WireError } from './cursor.ts'

/** Sends bytes to the broker, and resolves with its answer. */
export type Exchange = (bytes: Uint8Array) => Promise<Uint8Array>

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** More rounds than this are an attack: they would cost seconds. */
const iterationsMax = 1_000_000

/** Proves to a broker who this is. Rejects with a `WireError` if the broker cannot prove the same. */
export async function authenticate(sasl: SaslOptions, exchange: Exchange): Promise<void> {
  if (sasl.mechanism === 'oauthbearer') await bearer(reveal(await sasl.token()), exchange)
  else if (sasl.mechanism === 'plain') await exchange(encode(`\0${sasl.username}\0${reveal(sasl.password)}`))
  else
    await scram(
      sasl.mechanism === 'scram-sha-512' ? 'sha512' : 'sha256',
      sasl.username,
      reveal(sasl.password),
      exchange,
    )
}

async function bearer(token: string, exchange: Exchange): Promise<void> {
  const answer = await exchange(encode(`n,,\u0001auth=Bearer ${token}\u0001\u0001`))
  if (answer.length === 0) return
  // The broker says what is wrong with the token, and refuses it after an acknowledgement.
  await exchange(encode('\u0001'))
  throw new WireError(`the token was refused: ${new Redaction([token]).redact(decode(answer))}`)
}

async function scram(hash: HashName, username: string, password: string, exchange: Exchange): Promise<void> {
  const own = nonce()
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const clientFirst = `n=${name},r=${own}`
  const serverFirst = decode(await exchange(encode(`n,,${clientFirst}`)))
  const { r: both = '', s: salt = '', i: rounds = '' } = partsOf(serverFirst)
  const iterations = Number(rounds)
  if (!both.startsWith(own) || both.length === own.length || salt === '') {
    throw new WireError('the broker answers SCRAM with something else')
  }
  if (!Number.isInteger(iterations) || iterations < 4_096 || iterations > iterationsMax) {
    throw new WireError(`the broker asks for ${rounds} rounds of SCRAM; from 4,096 to 1,000,000 are allowed`)
  }
  const withoutProof = `c=biws,r=${both}`
  const messages = `${clientFirst},${serverFirst},${withoutProof}`
  const { proof, signature } = await scramProof(hash, password, salt, iterations, messages)
  const { v = '', e } = partsOf(decode(await exchange(encode(`${withoutProof},p=${proof}`))))
  if (e !== undefined) {
    throw new WireError(`the broker refuses SCRAM: ${new Redaction([password]).redact(e)}`)
  }
  if (!isSame(v, signature))
    throw new WireError('the broker does not know the password: it may be another one')
}

function partsOf(message: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    message.split(',').map((part): [string, string] => [part.slice(0, 1), part.slice(2)]),
  )
}
