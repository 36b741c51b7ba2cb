/**
 * Makes the OpenAPI document of the control API from the types of its answers: `npm run openapi -- --write`.
 *
 * The comment of a type names its route: `GET /api/jobs/:job/events?after=&limit=`. So the types, the comments and the
 * document say the same, and `openapi.test.ts` fails where the stored document differs.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import ts from 'typescript'

const control = path.resolve(import.meta.dirname, '../packages/control')
export const documentPath: string = path.join(control, 'openapi.json')

type Schema = Readonly<Record<string, unknown>>

/** A type of the contract, with the comment before it. */
interface Declared {
  readonly name: string
  readonly comment: string
  readonly schema: Schema
}

/** The document that the types of the contract give. */
export async function openApiDocument(): Promise<object> {
  const directory = path.join(control, 'src/contract')
  const files = (await readdir(directory)).filter((name) => name.endsWith('.ts') && !name.includes('.test'))
  const declared: Declared[] = []
  for (const file of files.toSorted()) {
    const text = await readFile(path.join(directory, file), 'utf8')
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    for (const statement of source.statements) {
      if (ts.isInterfaceDeclaration(statement))
        declared.push(declaredOf(statement, interfaceSchema(statement)))
      else if (ts.isTypeAliasDeclaration(statement) && statement.name.text !== 'RouteName') {
        declared.push(declaredOf(statement, schemaOf(statement.type)))
      }
    }
  }
  const { version } = JSON.parse(await readFile(path.join(control, 'package.json'), 'utf8')) as {
    version: string
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace control API',
      version,
      description: 'What a running job does, what is wrong with it, and how to steer it.',
    },
    security: [{ token: [] }, {}],
    paths: Object.fromEntries([...declared.flatMap(pathsOf), ...streams]),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(
        declared.map(({ name, comment, schema }) => [name, described(schema, comment)]),
      ),
    },
  }
}

function described(schema: Schema, comment: string): Schema {
  return comment === '' ? schema : { description: comment, ...schema }
}

type Documented = ts.InterfaceDeclaration | ts.TypeAliasDeclaration

function declaredOf(node: Documented, schema: Schema): Declared {
  return { name: node.name.text, comment: commentOf(node), schema }
}

function commentOf(node: ts.Node): string {
  const [first] = ts.getJSDocCommentsAndTags(node)
  if (first === undefined || !ts.isJSDoc(first)) return ''
  return (ts.getTextOfJSDocComment(first.comment) ?? '').replaceAll(/\s*\n\s*/g, ' ')
}

function interfaceSchema(node: ts.InterfaceDeclaration): Schema {
  const own = objectSchema(node.members)
  const bases =
    node.heritageClauses?.flatMap(({ types }) => types.map(({ expression }) => expression.getText())) ?? []
  return bases.length === 0 ? own : { allOf: [...bases.map(reference), own] }
}

function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

function objectSchema(members: ts.NodeArray<ts.TypeElement>): Schema {
  const fields = members.filter((member) => ts.isPropertySignature(member))
  const required = fields.filter(({ questionToken }) => questionToken === undefined)
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map((field) => [field.name.getText(), described(schemaOf(field.type!), commentOf(field))]),
    ),
    ...(required.length === 0 ? {} : { required: required.map(({ name }) => name.getText()) }),
  }
}

const words: ReadonlyMap<ts.SyntaxKind, Schema> = new Map([
  [ts.SyntaxKind.StringKeyword, { type: 'string' }],
  [ts.SyntaxKind.NumberKeyword, { type: 'number' }],
  [ts.SyntaxKind.BooleanKeyword, { type: 'boolean' }],
  [ts.SyntaxKind.UnknownKeyword, {}],
])

function schemaOf(node: ts.TypeNode): Schema {
  const word = words.get(node.kind)
  if (word !== undefined) return word
  if (ts.isTypeOperatorNode(node) || ts.isParenthesizedTypeNode(node)) return schemaOf(node.type)
  if (ts.isArrayTypeNode(node)) return { type: 'array', items: schemaOf(node.elementType) }
  if (ts.isTypeLiteralNode(node)) return objectSchema(node.members)
  if (ts.isUnionTypeNode(node)) return unionSchema(node.types)
  if (ts.isLiteralTypeNode(node)) return literalSchema(node)
  if (ts.isTypeReferenceNode(node)) return referenceSchema(node)
  if (ts.isIndexedAccessTypeNode(node)) return { type: 'string' }
  throw new Error(`the contract has a type that this script does not know: ${node.getText()}`)
}

function literalSchema({ literal }: ts.LiteralTypeNode): Schema {
  if (ts.isStringLiteral(literal)) return { const: literal.text }
  if (literal.kind === ts.SyntaxKind.TrueKeyword) return { const: true }
  return { type: 'null' }
}

function unionSchema(types: ts.NodeArray<ts.TypeNode>): Schema {
  const schemas = types.map(schemaOf)
  const isText = schemas.every((schema) => typeof schema['const'] === 'string')
  return isText ? { enum: schemas.map((schema) => schema['const']) } : { anyOf: schemas }
}

function referenceSchema(node: ts.TypeReferenceNode): Schema {
  const name = node.typeName.getText()
  const [first] = node.typeArguments ?? []
  if (name === 'Readonly' && first !== undefined) return schemaOf(first)
  if (name === 'Record') return { type: 'object', additionalProperties: schemaOf(node.typeArguments![1]!) }
  if (name === 'Omit') return schemaOf(first!)
  return reference(name)
}

const routeForm = /`(GET|POST) (\/[^`?]*)(?:\?([^`]*))?`/

function pathsOf({ name, comment }: Declared): readonly (readonly [string, object])[] {
  const [match, method, route, query = ''] = routeForm.exec(comment) ?? []
  if (match === undefined || comment.includes('events of `GET')) return []
  const operation = {
    summary: comment,
    parameters: [...pathParameters(route!), ...queryParameters(query)],
    ...(method === 'POST' ? { requestBody: jsonOf(name) } : {}),
    responses: {
      200: { description: 'the answer', ...jsonOf(method === 'POST' ? 'ActionResult' : name) },
      default: { description: 'what is wrong', ...jsonOf('ApiError') },
    },
  }
  return [[templateOf(route!), { [method!.toLowerCase()]: operation }]]
}

function jsonOf(name: string): object {
  return { content: { 'application/json': { schema: reference(name) } } }
}

function templateOf(route: string): string {
  return route.replaceAll(/:(\w+)/g, '{$1}')
}

function pathParameters(route: string): readonly object[] {
  return Array.from(route.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(query: string): readonly object[] {
  const names = query.split('&').filter((pair) => pair !== '')
  return names.map((pair) => ({ name: pair.split('=')[0], in: 'query', schema: { type: 'string' } }))
}

/** Routes whose answers are no JSON. */
const streams: readonly (readonly [string, object])[] = [
  ['/livez', 'text/plain', 'answers while the event loop runs'],
  ['/readyz', 'application/json', 'whether every job is restored and reads; 503 if not'],
  ['/metrics', 'text/plain', 'all figures in the text format of Prometheus'],
  [
    '/api/jobs/:job/stream',
    'text/event-stream',
    'state and figures once a second, events and log lines as they come',
  ],
  ['/api/jobs/:job/watch/:operator', 'text/event-stream', 'the state of an operator, and its changes'],
  [
    '/api/jobs/:job/peek/:operator?output=&key=&keyType=&rate=&limit=&seconds=',
    'text/event-stream',
    'records that an operator emits, as they pass: PeekRecord, PeekProgress and PeekEnd',
  ],
]
  .map(([address, type, summary]) => [address!.split('?'), type!, summary!] as const)
  .map(([[route, query = ''], type, summary]) => [
    templateOf(route!),
    {
      get: {
        summary,
        parameters: [...pathParameters(route!), ...queryParameters(query)],
        responses: { 200: { description: 'the answer', content: { [type]: {} } } },
      },
    },
  ])

/** The document as the file has it. */
export async function documentText(): Promise<string> {
  return `${JSON.stringify(await openApiDocument(), undefined, 2)}\n`
}

if (process.argv[1] === import.meta.filename) {
  const text = await documentText()
  if (process.argv.includes('--write')) await writeFile(documentPath, text)
  else process.stdout.write(text)
}
