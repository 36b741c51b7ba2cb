/** For `node --import @millrace/node/inspect`: watches the tasks of a program from its start to its end. */
import { inspectProcess } from './inspect-process.ts'

inspectProcess()
