#!/usr/bin/env node
import process from 'node:process'
import { launch } from '@millrace/cli'

const code = await launch(process.argv.slice(2))
// User code may have left timers or sockets open; exit without waiting for them once all output is written.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
