#!/usr/bin/env node
import process from 'node:process'
import { createProject } from 'create-millrace'

try {
  process.stdout.write(await createProject(process.argv[2] ?? 'my-pipeline'))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
