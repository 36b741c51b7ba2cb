import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { services } from './catalogue.ts'
import { javaOptions } from './kafka.ts'
import { programOf } from './program.ts'

const run = promisify(execFile)

/** A record as Kafka's own consumer prints it. */
export interface PrintedRecord {
  readonly partition: number
  readonly key: string
  readonly value: string
}

/**
 * Reads a topic from its beginning with the console consumer of Kafka, in Java: what was committed, until `count` records were
 * read or none has come for a while. With a count that is too high it shows that there are no more.
 */
export async function readWithJava(
  brokers: string,
  topic: string,
  count: number,
): Promise<readonly PrintedRecord[]> {
  const { file, libraries, jars } = await programOf(services.kafka)
  const { stdout } = await run(
    file,
    [
      ...javaOptions({ jars }),
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...words(`--bootstrap-server ${brokers} --topic ${topic} --from-beginning`),
      ...words(`--isolation-level read_committed --timeout-ms 5000 --max-messages ${count}`),
      ...words('--property print.partition=true --property print.key=true'),
    ],
    { env: { ...process.env, LD_LIBRARY_PATH: libraries }, maxBuffer: 2 ** 30 },
  ).catch((error: unknown) => {
    // It exits with 1 after the timeout.
    const { code, stdout: printed } = error as { code?: unknown; stdout?: string }
    if (code === 1 && printed !== undefined) return { stdout: printed }
    throw error
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [partition, key, ...value] = line.split('\t')
      return { partition: Number(partition!.slice('Partition:'.length)), key: key!, value: value.join('\t') }
    })
}

/** Writes values to a topic with the console producer of Kafka, in Java. */
export async function writeWithJava(
  brokers: string,
  topic: string,
  values: readonly string[],
  compression: string,
): Promise<void> {
  const program = 'org.apache.kafka.tools.ConsoleProducer'
  const options = `--bootstrap-server ${brokers} --topic ${topic} --compression-codec ${compression}`
  await runJava(program, options, values.map((value) => `${value}\n`).join(''))
}

/** Makes a topic with one partition with the tool of Kafka, in Java. */
export async function makeTopicWithJava(brokers: string, topic: string): Promise<void> {
  const options = `--bootstrap-server ${brokers} --create --topic ${topic} --partitions 1 --replication-factor 1`
  await runJava('org.apache.kafka.tools.TopicCommand', options, '')
}

/** A script that runs a program of Kafka with the options that it is given, as those in `bin` of Kafka do. */
export async function kafkaTool(program: string): Promise<string> {
  const { file, libraries, jars } = await programOf(services.kafka)
  const command = [file, ...javaOptions({ jars }), program].map((word) => `'${word}'`).join(' ')
  return `#!/bin/sh\nLD_LIBRARY_PATH='${libraries ?? ''}' exec ${command} "$@"\n`
}

/** Runs a program of Kafka, and gives it text as its input. */
async function runJava(program: string, options: string, input: string): Promise<void> {
  const { file, libraries, jars } = await programOf(services.kafka)
  const running = run(file, [...javaOptions({ jars }), program, ...words(options)], {
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  })
  running.child.stdin!.end(input)
  await running
}

function words(text: string): readonly string[] {
  return text.split(' ')
}
