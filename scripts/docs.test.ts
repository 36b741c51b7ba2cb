import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { docsSections, MillraceError, type ErrorCode } from '@millrace/core'
import { exitCodes } from '../packages/cli/src/exit-codes.ts'
import { brokenLinks, codesIn, fencesOf, typeErrors } from './docs.ts'
import { readWorkspace, syntaxOf, walk } from './source-file.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const documents = readWorkspace().filter(({ path: file }) => file.endsWith('.md'))

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

describe('the documents', () => {
  test('every TypeScript block of the README and the guides compiles', () => {
    const fences = documents
      .filter(({ path: file }) =>
        /^(?:README|packages\/(?:channels|threads)\/README|docs\/(?:concepts|guide|operating)\/.*|examples\/.*)\.md$/.test(
          file,
        ),
      )
      .flatMap(fencesOf)
    expect(fences.length).toBeGreaterThan(10)
    expect(typeErrors(fences, root).join('\n')).toBe('')
  })

  test('every relative link points to a file', () => {
    const broken = documents.flatMap((document) =>
      brokenLinks(document, (target) => existsSync(path.join(root, target))),
    )
    expect(broken.join('\n')).toBe('')
  })

  test('errors.md documents exactly the error codes that exist', () => {
    const codes: string[] = []
    walk(syntaxOf({ path: 'errors.ts', text: read('packages/core/src/errors/errors.ts') }), (node) => {
      if (!ts.isTypeAliasDeclaration(node) || node.name.text !== 'ErrorCode') return
      walk(node.type, (part) => {
        if (ts.isStringLiteral(part)) codes.push(part.text)
      })
    })
    expect(codes.length).toBeGreaterThan(20)
    expect(codesIn(read('docs/operating/errors.md')).toSorted()).toEqual(codes.toSorted())
  })

  test('every section that messages link to exists', () => {
    for (const section of Object.values(docsSections)) {
      const [file, anchor] = section.split('#') as [string, string | undefined]
      const headings = [...read(`docs/${file}`).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!.toLowerCase().replaceAll(' ', '-'),
      )
      if (anchor !== undefined) expect(headings).toContain(anchor)
    }
  })

  test('every error links to its row of errors.md', () => {
    const text = read('docs/operating/errors.md')
    for (const code of codesIn(text)) {
      const { docs } = new MillraceError(code as ErrorCode, 'x')
      expect(docs).toMatch(/\/docs\/operating\/errors\.md#[A-Z_]+$/)
      expect(text).toContain(`<a id="${docs.split('#')[1]}"></a>\`${code}\``)
    }
  })

  test('exit-codes.md documents exactly the exit codes that exist', () => {
    expect(codesIn(read('docs/operating/exit-codes.md')).map(Number)).toEqual(Object.values(exitCodes))
  })
})

describe('checking documents', () => {
  const document = (text: string): { path: string; text: string } => ({ path: 'docs/a.md', text })

  test('reports a type error with its place', () => {
    const fences = fencesOf(
      document("# A\n\n```ts\nimport { pipeline } from 'millrace'\n\npipeline(3, () => {})\n```\n"),
    )
    expect(typeErrors(fences, root)).toEqual([
      expect.stringMatching(/^docs\/a\.md:6: Argument of type 'number'/),
    ])
  })

  test('a block without imports continues the document', () => {
    const text =
      '<!-- ts\ndeclare const n: number\n-->\n\n```ts\nconst m = n + 1\n```\n\n```ts\nm.length\n```\n'
    expect(typeErrors(fencesOf(document(text)), root)).toEqual([
      expect.stringMatching(/^docs\/a\.md:10: Property 'length' does not exist on type 'number'/),
    ])
  })

  test('a block that begins with a file name can be imported', () => {
    const text =
      "```ts\n// one.ts: a module\nexport const one = 1\n```\n\n```ts\nimport { one } from './one.ts'\none.length\n```\n"
    expect(typeErrors(fencesOf(document(text)), root)).toEqual([
      "docs/a.md:8: Property 'length' does not exist on type '1'.",
    ])
  })

  test('reports a broken link', () => {
    const text = '[a](b.md) [c](../d.md#e) [f](https://g.example) [h](#i)'
    expect(brokenLinks(document(text), (target) => target === 'd.md')).toEqual([
      'docs/a.md: links to docs/b.md, which does not exist',
    ])
  })
})
