#!/usr/bin/env node
import { main } from '@millrace/cli'

await main(process.argv.slice(2))
