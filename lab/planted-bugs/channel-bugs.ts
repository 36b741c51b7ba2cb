import type { ChannelBug } from './planted-bug.ts'

/** Mistakes in patterns. */
const patternBugs: readonly ChannelBug[] = [
  {
    name: 'a merge closes when the first of its inputs is drained',
    plant: {
      file: 'channels/src/task/outlet.ts',
      from: 'if (feeding === 0) channel.close()\n    })',
      to: 'channel.close()\n    })',
    },
    shows: /closed channel|lost a value/,
  },
  {
    name: 'a fan-out closes only its first output',
    plant: {
      file: 'channels/src/pattern/fan-out.ts',
      from: 'for (const output of outputs) output.close()',
      to: 'outputs[0]!.close()',
    },
    shows: /asleep/,
  },
  {
    name: 'a fan-out in turn moves on before its value is taken',
    plant: {
      file: 'channels/src/pattern/fan-out.ts',
      from: 'await outputs[turn]!.send(value, signal)\n',
      to: 'void outputs[turn]!.send(value, signal).catch(() => {})\n',
    },
    shows: /did not go in turn|asleep|lost a value|closed channel/,
  },
  {
    name: 'parallelMap leaves out a result that is not ready when its place comes up',
    plant: {
      file: 'channels/src/pattern/stage.ts',
      from: 'const result = await place.receive(signal)\n',
      to: 'if (place.length === 0) continue\n        const result = await place.receive(signal)\n',
    },
    shows: /parallelMap lost a value|asleep/,
  },
  {
    name: 'a batch forgets what it holds when the input is closed',
    plant: {
      file: 'channels/src/pattern/pace.ts',
      from: "if (next.case === 'late' || !next.ok) return",
      to: "if (next.case !== 'late' && !next.ok) values.length = 0\n            if (next.case === 'late' || !next.ok) return",
    },
    shows: /batch lost a value/,
  },
  {
    name: 'a debounce forgets its last value when the input is closed',
    plant: {
      file: 'channels/src/pattern/pace.ts',
      from: '            await out.send(last, signal)\n            return',
      to: '            return',
    },
    shows: /did not keep the last value/,
  },
  {
    name: 'a throttle drops what comes too early',
    plant: {
      file: 'channels/src/pattern/pace.ts',
      from: 'await sleep(clock, earlyMs, signal)',
      to: 'continue',
    },
    shows: /throttle lost a value/,
  },
  {
    name: 'a full buffer drops the newest value instead of the oldest',
    plant: { file: 'channels/src/pattern/overflow.ts', from: '    this.channel.tryReceive()\n', to: '' },
    shows: /dropped the wrong values/,
  },
]

/** Each is one place in one file, which must stand there exactly once. */
export const channelBugs: readonly ChannelBug[] = [
  ...patternBugs,
  {
    name: 'a select that is over stays in the lines of its other cases',
    plant: {
      file: 'channels/src/channel/select.ts',
      from: 'for (const line of this.#lines) line[Symbol.dispose]()',
      to: '',
    },
    shows: /refused and received|received \d times|still waits|asleep/,
  },
  {
    name: 'a select that is cancelled stays in its lines',
    plant: {
      file: 'channels/src/channel/select.ts',
      from: 'fail(error: Error): void {\n    this.#leave()',
      to: 'fail(error: Error): void {',
    },
    shows: /refused and received|received 0 times|still waits/,
  },
  {
    name: 'a cancelled wait stays in line',
    plant: {
      file: 'channels/src/wait/promise-of.ts',
      from: '    waiter[Symbol.dispose]()\n    waiter.reject(reason)',
      to: '    waiter.reject(reason)',
    },
    shows: /refused and received|received 0 times|still waits/,
  },
  {
    name: 'close forgets the receiver that came last',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: 'receiver.ending.end(receiver)',
      to: 'if (!this.#receivers.isEmpty) receiver.ending.end(receiver)',
    },
    shows: /asleep/,
  },
  {
    name: 'close forgets the senders that wait',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: 'sender.ending.refuse(sender',
      to: 'if (this.capacity < 0) sender.ending.refuse(sender',
    },
    shows: /asleep/,
  },
  {
    name: 'a value that a receiver waits for is buffered as well',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: '      receiver.ending.deliver(receiver, value)\n      return true',
      to: '      receiver.ending.deliver(receiver, value)\n      if (this.#buffer.length < this.capacity) this.#buffer.push(value)\n      return true',
    },
    shows: /received 2 times|asleep/,
  },
  {
    name: 'the value of a sender that waits overtakes the buffer',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: '      const head = this.#buffer.shift()\n      this.#buffer.push(value)\n      value = head\n',
      to: '',
    },
    shows: /came after|in the order/,
  },
  {
    name: 'who came last is served first',
    plant: {
      file: 'channels/src/wait/wait-queue.ts',
      from: 'return this.#last?.behind as W | undefined',
      to: 'return this.#last as W | undefined',
    },
    shows: /in the order/,
  },
  {
    name: 'a sender that waits is told that its value was taken when it was dropped',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: '      this.#buffer.push(value)\n      value = head\n',
      to: '      value = head\n',
    },
    shows: /received 0 times|in the order|asleep/,
  },
  {
    name: 'a full buffer takes one more',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: 'if (this.#buffer.length === this.capacity) return false',
      to: 'if (this.#buffer.length > this.capacity) return false',
    },
    shows: /in the order|still waits/,
  },
  {
    name: 'select favours the first of its cases',
    plant: {
      file: 'channels/src/channel/select.ts',
      from: 'random.int(ready) === 0',
      to: 'random.int(ready + 1) === 0',
    },
    shows: /not uniform/,
  },
]
