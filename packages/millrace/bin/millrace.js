#!/usr/bin/env node
import nodeModule from 'node:module'
import process from 'node:process'

// Node 22.8 and later keep what they compile in a directory of the system, so that the next start need not.
nodeModule.enableCompileCache?.()
const { launch } = await import('@millrace/cli')
const code = await launch(process.argv.slice(2))
// User code may have left timers or sockets open; exit without waiting for them once all output is written.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
