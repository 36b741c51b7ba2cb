/** For `node --import @millrace/node/inspect`: watches the tasks of a program from start to end. */
import { inspectProcess } from './inspect-process.ts'

inspectProcess()
