import { AmqpError } from './amqp-error.ts'
import type { Cursor } from './cursor.ts'
import type { FrameWriter } from './frame-writer.ts'
import {
  methods,
  nameOf,
  readGreeting,
  readLimits,
  writeLimits,
  writeMethod,
  type Greeting,
  type Limits,
} from './methods.ts'
import { writeTable } from './table.ts'

/** Who connects, and to what. */
export interface Login {
  readonly username: string
  readonly password: string
  readonly vhost: string
}

export interface HandshakeParts {
  readonly login: Login
  readonly wanted: Limits
  readonly out: FrameWriter
  readonly done: (limits: Limits) => void
}

const protocol = Buffer.from('AMQP\0\0\u0009\u0001', 'latin1')

const clientProperties = {
  product: 'Millrace',
  platform: 'Node.js',
  connection_name: 'millrace',
  capabilities: {
    publisher_confirms: true,
    'basic.nack': true,
    consumer_cancel_notify: true,
    'connection.blocked': true,
    authentication_failure_close: true,
  },
}

/** The beginning of a connection: who this is, what the limits are, and which virtual host is opened. */
export class Handshake {
  readonly #parts: HandshakeParts
  #expected: number = methods.start
  #limits: Limits
  #hasAnswered = false

  constructor(parts: HandshakeParts) {
    this.#parts = parts
    this.#limits = parts.wanted
  }

  /** Whether the broker was asked for the virtual host. */
  get isAtHost(): boolean {
    return this.#expected === methods.openOk
  }

  begin(): void {
    this.#parts.out.bytes(protocol)
  }

  /** Throws an `AmqpError` for the first bytes of a broker that speaks another protocol. */
  check(bytes: Buffer): void {
    if (this.#hasAnswered) return
    this.#hasAnswered = true
    if (bytes.subarray(0, 4).toString('latin1') === 'AMQP')
      throw new AmqpError('the broker does not speak AMQP 0.9.1')
  }

  /** Throws an `AmqpError`. */
  method(id: number, cursor: Cursor): void {
    if (id === methods.secure) throw new AmqpError('the broker asks for more than user and password')
    if (id !== this.#expected)
      throw new AmqpError(`the broker sends ${nameOf(id)} instead of ${nameOf(this.#expected)}`)
    if (id === methods.start) this.#greet(readGreeting(cursor))
    else if (id === methods.tune) this.#tune(readLimits(cursor))
    else this.#parts.done(this.#limits)
  }

  #greet({ version, mechanisms }: Greeting): void {
    const { out, login } = this.#parts
    if (version !== '0.9' || !mechanisms.includes('PLAIN'))
      throw new AmqpError(
        `the broker speaks AMQP ${version} and takes ${mechanisms.join(', ')}; this client speaks AMQP 0.9 and proves itself with PLAIN`,
      )
    writeMethod(out, 0, methods.startOk, () => {
      writeTable(out, clientProperties)
      out.shortText('PLAIN')
      out.longText(`\0${login.username}\0${login.password}`)
      out.shortText('en_US')
    })
    this.#expected = methods.tune
  }

  #tune(offered: Limits): void {
    const { out, wanted, login } = this.#parts
    const limits: Limits = {
      channelMax: offered.channelMax === 0 ? 65_535 : offered.channelMax,
      frameMax: lower(offered.frameMax, wanted.frameMax),
      heartbeatSeconds: lower(offered.heartbeatSeconds, wanted.heartbeatSeconds),
    }
    if (limits.frameMax < 4_096)
      throw new AmqpError(`the broker takes no frame of more than ${limits.frameMax} bytes`)
    this.#limits = limits
    writeMethod(out, 0, methods.tuneOk, () => writeLimits(out, limits))
    writeMethod(out, 0, methods.open, () => {
      out.shortText(login.vhost)
      out.shortText('')
      out.uint8(0)
    })
    this.#expected = methods.openOk
  }
}

/** The lower of two limits, of which 0 is none. */
function lower(offered: number, wanted: number): number {
  return offered === 0 ? wanted : Math.min(offered, wanted)
}
