/** Sources and sinks in the program itself. */
export { read, write } from './arrays.ts'
export { writeChannel, writeEach } from './function-sinks.ts'
export { receive } from './input.ts'
export { readIterable } from './iterable.ts'
export { writeIterable } from './output.ts'
export { readChannel, readEvents, readObservable } from './pumps.ts'
export { writeTable } from './table.ts'
