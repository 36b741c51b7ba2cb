import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const template = fileURLToPath(new URL('../template', import.meta.url))

/**
 * Creates a project in `directory`: a pipeline, its test, and the files to compile and run them. Resolves to
 * the next steps, as text for people.
 *
 * Throws if the directory is not empty, or if its name is not a valid package name.
 *
 * @example
 * process.stdout.write(await createProject('word-counts'))
 */
export async function createProject(directory: string): Promise<string> {
  const name = path.basename(path.resolve(directory))
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw new Error(
      `'${name}' is not a valid package name; use lower-case letters, digits, dots, underscores and hyphens`,
    )
  }
  await mkdir(directory, { recursive: true })
  const present = await readdir(directory)
  if (present.length > 0) {
    throw new Error(`${directory} is not empty: it has ${present[0]}; choose another directory`)
  }
  await cp(template, directory, { recursive: true })
  // npm omits a .gitignore from packages.
  await rename(path.join(directory, 'gitignore'), path.join(directory, '.gitignore'))
  const manifest = path.join(directory, 'package.json')
  const text = await readFile(manifest, 'utf8')
  await writeFile(manifest, text.replace('"word-counts"', JSON.stringify(name)))
  return `Made ${directory}. Next:
  cd ${directory}
  npm install $(ls PACKED/*.tgz | grep -v create)
  npm test
  npm start
PACKED is the directory of the tarballs that npm run pack writes in a clone of Millrace; once Millrace is published,
npm install alone is enough.
`
}
