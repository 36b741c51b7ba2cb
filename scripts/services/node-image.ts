import { execFile } from 'node:child_process'
import { appendFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.ts'
import type { DockerDaemon } from './docker.ts'
import { unpackPackages } from './program.ts'

const run = promisify(execFile)

/** What Node and a shell need of Debian. */
const packages = (
  'base-files base-passwd dash coreutils ' +
  'libc6 libgcc-s1 libstdc++6 libacl1 libattr1 libselinux1 libpcre2-8-0 libgmp10'
).split(' ')

/**
 * Makes the image `node:24-slim` in a daemon that reaches no registry: a small Debian, and Node and npm from npm's packages, where
 * the official image has them, with its user `node`. Builds take packages from `registry`.
 */
export async function nodeImage({ env }: DockerDaemon, registry: string): Promise<void> {
  const root = await cached('node-24-image', makeTree)
  const settings = ['AUDIT=false', 'UPDATE_NOTIFIER=false', `REGISTRY=${registry}`]
  const options = settings.flatMap((setting) => ['--change', `ENV NPM_CONFIG_${setting}`])
  const pack = 'tar --create --directory "$0" . | docker import "$@"'
  await run('sh', ['-c', pack, root, ...options, '-', 'node:24-slim'], { env })
}

async function makeTree(work: string): Promise<string> {
  const root = await unpackPackages({ name: 'node-24-image', program: 'node', packages }, work)
  const npm = path.join(work, 'npm')
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', npm, 'node@24', 'npm@11'])
  await mkdir(`${root}/usr/local/bin`, { recursive: true })
  await mkdir(`${root}/usr/local/lib/node_modules`, { recursive: true })
  await cp(`${npm}/node_modules/node/bin/node`, `${root}/usr/local/bin/node`, { dereference: true })
  await cp(`${npm}/node_modules/npm`, `${root}/usr/local/lib/node_modules/npm`, { recursive: true })
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, `${root}/usr/local/bin/${name}`)
  if (!existsSync(`${root}/bin/sh`)) await symlink('dash', `${root}/bin/sh`)
  for (const kind of ['passwd', 'group']) {
    const own = await readFile(`${root}/usr/share/base-passwd/${kind}.master`, 'utf8')
    await writeFile(`${root}/etc/${kind}`, own)
  }
  await appendFile(`${root}/etc/passwd`, 'node:x:1000:1000::/home/node:/bin/sh\n')
  await appendFile(`${root}/etc/group`, 'node:x:1000:\n')
  await mkdir(`${root}/home/node`, { recursive: true })
  await run('chown', ['1000:1000', `${root}/home/node`])
  return root
}
