import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { services } from './services/catalogue.ts'
import type { Service } from './services/definition.ts'
import { workspace } from './source-file.ts'

/** What the compose specification says of the parts that the file has. */
const composeFile = z.strictObject({
  services: z.record(
    z.string().regex(/^[a-z]+$/),
    z.strictObject({
      // A version of three numbers: the same image tomorrow.
      image: z.string().regex(/^[a-z/]+:\d+\.\d+\.\d+(-[a-z]+)?$/),
      command: z.array(z.string()).optional(),
      // Text only: YAML reads yes and 1 as something else.
      environment: z.record(z.string(), z.string()).optional(),
      ports: z.array(z.string().regex(/^127\.0\.0\.1:(\d+):\1$/)).length(1),
      healthcheck: z.strictObject({
        test: z.tuple([z.literal('CMD')], z.string()),
        interval: z.string().regex(/^\d+s$/),
        timeout: z.string().regex(/^\d+s$/),
        retries: z.int().positive(),
      }),
    }),
  ),
})

const read = (): Promise<string> => readFile(path.join(workspace, 'deploy/brokers.compose.yaml'), 'utf8')

test('the compose file of the brokers has what the specification knows, of pinned versions and on loopback only', async () => {
  const file: unknown = parse(await read())
  const { services: found } = composeFile.parse(file)
  expect(Object.keys(found)).toEqual(['kafka', 'nats', 'rabbitmq', 'redis'])
  const open = (await read()).replace('127.0.0.1:6379:6379', '6379:6379')
  expect(composeFile.safeParse(parse(open)).success).toBe(false)
})

test('the compose file of the brokers names the variables by which tests find them, with its ports', async () => {
  const text = await read()
  const { services: found } = composeFile.parse(parse(text))
  for (const [name, { ports }] of Object.entries(found)) {
    const service: Service = services[name as keyof typeof services]
    const port = Number(ports[0]!.split(':')[1])
    expect(text).toContain(`export ${service.variable}=${service.url(port)}\n`)
  }
})
