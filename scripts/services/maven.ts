import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.ts'
import type { Artifact } from './definition.ts'

const run = promisify(execFile)

/** The directory with these artifacts and all that they need, fetched by Maven at the first use. */
export function fetchArtifacts(name: string, artifacts: readonly Artifact[]): Promise<string> {
  const versions = artifacts.map((artifact) => `${artifact.name}-${artifact.version}`).join('-')
  return cached(`${name}-jars-${versions}`, async (work) => {
    await writeFile(path.join(work, 'pom.xml'), pom(artifacts))
    const jars = path.join(work, 'jars')
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`]
    await run('mvn', ['--quiet', '--batch-mode', ...goal], { cwd: work })
    return jars
  })
}

function pom(artifacts: readonly Artifact[]): string {
  const nothing =
    '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
  const dependency = ({ group, name, version, isAlone = false }: Artifact): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>${isAlone ? nothing : ''}</dependency>`
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>services</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${artifacts.map(dependency).join('')}</dependencies>
</project>
`
}
