/** `npm run pack`: writes every package as a tarball into `packed`, ready to be installed or published. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = path.join(root, 'packages')
const target = path.resolve(process.argv[2] ?? path.join(root, 'packed'))

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
// npm packs only what is in the directory of a package.
for (const name of readdirSync(packages)) {
  copyFileSync(path.join(root, 'LICENSE'), path.join(packages, name, 'LICENSE'))
}
execFileSync('npm', ['pack', '--silent', '--workspaces', '--pack-destination', target], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
})
process.stdout.write(
  `${readdirSync(target).length} packages in ${path.relative(process.cwd(), target) || '.'}\n`,
)
