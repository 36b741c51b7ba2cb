/** `npm run pack`: writes every package as a tarball into `packed`, ready to be installed or published. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { bundlePackage } from './bundle.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = path.join(root, 'packages')
const target = path.resolve(process.argv[2] ?? path.join(root, 'packed'))

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
const staged = mkdtempSync(path.join(tmpdir(), 'millrace-pack-'))
try {
  for (const name of readdirSync(packages)) {
    const stage = path.join(staged, name)
    await bundlePackage(path.join(packages, name), stage)
    // npm packs only what is in the directory of a package.
    copyFileSync(path.join(root, 'LICENSE'), path.join(stage, 'LICENSE'))
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', target], {
      cwd: stage,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
} finally {
  rmSync(staged, { recursive: true, force: true })
}
process.stdout.write(
  `${readdirSync(target).length} packages in ${path.relative(process.cwd(), target) || '.'}\n`,
)
