import type { ChannelBug } from './planted-bug.ts'

/** Bugs in patterns. */
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
    name: 'a round-robin fan-out continues before its value is received',
    plant: {
      file: 'channels/src/pattern/fan-out.ts',
      from: 'await outputs[turn]!.send(value, signal)\n',
      to: 'void outputs[turn]!.send(value, signal).catch(() => {})\n',
    },
    shows: /did not go in turn|asleep|lost a value|closed channel/,
  },
  {
    name: 'parallelMap skips a result that is not ready in time',
    plant: {
      file: 'channels/src/pattern/stage.ts',
      from: 'const result = await place.receive(signal)\n',
      to: 'if (place.length === 0) continue\n        const result = await place.receive(signal)\n',
    },
    shows: /parallelMap lost a value|asleep/,
  },
  {
    name: 'a batch drops its values when the input is closed',
    plant: {
      file: 'channels/src/pattern/pace.ts',
      from: "if (next.case === 'late' || !next.ok) return",
      to: "if (next.case !== 'late' && !next.ok) values.length = 0\n            if (next.case === 'late' || !next.ok) return",
    },
    shows: /batch lost a value/,
  },
  {
    name: 'a debounce drops its last value when the input is closed',
    plant: {
      file: 'channels/src/pattern/pace.ts',
      from: '            await out.send(last, signal)\n            return',
      to: '            return',
    },
    shows: /did not keep the last value/,
  },
  {
    name: 'a throttle drops values that arrive too early',
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

/** Bugs in channels. Each is one place in one file, whose text must occur exactly once. */
export const channelBugs: readonly ChannelBug[] = [
  ...patternBugs,
  {
    name: 'a finished select stays in the queues of its other cases',
    plant: {
      file: 'channels/src/channel/select.ts',
      from: 'for (const line of this.#lines) line[Symbol.dispose]()',
      to: '',
    },
    shows: /refused and received|received \d times|still waits|asleep/,
  },
  {
    name: 'a cancelled select stays in its queues',
    plant: {
      file: 'channels/src/channel/select.ts',
      from: 'fail(error: Error): void {\n    this.#leave()',
      to: 'fail(error: Error): void {',
    },
    shows: /refused and received|received 0 times|still waits/,
  },
  {
    name: 'a cancelled waiter stays in its queue',
    plant: {
      file: 'channels/src/wait/promise-of.ts',
      from: '    this.#waiter[Symbol.dispose]()\n    this.#waiter.reject(reason)',
      to: '    this.#waiter.reject(reason)',
    },
    shows: /refused and received|received 0 times|still waits/,
  },
  {
    name: 'close forgets the last receiver',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: 'receiver.ending.end(receiver)',
      to: 'if (!this.#receivers.isEmpty) receiver.ending.end(receiver)',
    },
    shows: /asleep/,
  },
  {
    name: 'close forgets the waiting senders',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: 'sender.ending.refuse(sender',
      to: 'if (this.capacity < 0) sender.ending.refuse(sender',
    },
    shows: /asleep/,
  },
  {
    name: 'a value delivered to a waiting receiver is also buffered',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: '      receiver.ending.deliver(receiver, value)\n      return true',
      to: '      receiver.ending.deliver(receiver, value)\n      if (this.#buffer.length < this.capacity) this.#buffer.push(value)\n      return true',
    },
    shows: /received 2 times|asleep/,
  },
  {
    name: 'the value of a waiting sender overtakes the buffer',
    plant: {
      file: 'channels/src/channel/hand-off.ts',
      from: '      const head = this.#buffer.shift()\n      this.#buffer.push(value)\n      value = head\n',
      to: '',
    },
    shows: /came after|in the order/,
  },
  {
    name: 'the last waiter is served first',
    plant: {
      file: 'channels/src/wait/wait-queue.ts',
      from: 'return this.#last?.behind as W | undefined',
      to: 'return this.#last as W | undefined',
    },
    shows: /in the order/,
  },
  {
    name: 'a waiting sender resolves although its value was dropped',
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
