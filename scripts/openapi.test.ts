import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { documentPath, documentText } from './openapi.ts'
import { routes } from '@millrace/control/contract'

const text = await documentText()
const document = JSON.parse(text) as {
  readonly paths: Readonly<Record<string, object>>
  readonly components: { readonly schemas: object }
}

test('openapi.json is what the types of the contract give; npm run openapi -- --write updates it', async () => {
  expect(JSON.parse(await readFile(documentPath, 'utf8'))).toEqual(JSON.parse(text))
})

test('openapi: every route is described, and every reference leads to a schema', () => {
  const described = Object.keys(document.paths).toSorted()
  const own: readonly string[] = [routes.login, routes.openapi]
  const expected = Object.values(routes)
    .filter((route) => !own.includes(route))
    .map((route) => route.replaceAll(/:(\w+)/g, '{$1}'))
  expect(described).toEqual(expected.toSorted())
  const names = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name!))
  expect([...names].filter((name) => !(name in document.components.schemas))).toEqual([])
})
