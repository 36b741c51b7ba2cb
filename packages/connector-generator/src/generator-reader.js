import { MillraceError, } from '@millrace/core';
import { Wakeup } from '@millrace/channels';
import { BlockShuffle } from './block-shuffle.ts';
import { RecordRandom, seedWords } from './record-random.ts';
/**
 * Makes the records of one split.
 *
 * Place `i` of split `s` holds record `shuffled(i) * splits + s`; the record's time and randomness follow from
 * that number. With a rate, place `i` is due `(i - start) * splits / rate` seconds after the split was opened;
 * after a stall, what is overdue comes at once, so that the average holds.
 */
export class GeneratorReader {
    #plan;
    #split;
    #splitName;
    #context;
    #words;
    #shuffle;
    /** How many records this split has. */
    #count;
    #start;
    #openedAt;
    /** Milliseconds of the clock between two records; 0 without a rate. */
    #stepMs;
    #wakeup = new Wakeup();
    #onAbort = () => this.#wakeup.wake();
    #index;
    #isClosed = false;
    #waiting;
    constructor(plan, split, splitName, start, context) {
        this.#plan = plan;
        this.#split = split;
        this.#splitName = splitName;
        this.#context = context;
        this.#count = Math.max(0, Math.ceil((plan.count - split) / plan.splits));
        this.#words = seedWords(plan.seed, 'records');
        this.#shuffle = new BlockShuffle(seedWords(plan.seed, `disorder of ${splitName}`), plan.blockRecords, this.#count);
        this.#start = start;
        this.#index = start;
        this.#openedAt = context.clock.monotonic();
        this.#stepMs = (1_000 * plan.splits) / plan.rate;
        context.signal.addEventListener('abort', this.#onAbort);
    }
    poll(limit) {
        if (this.#index >= this.#count)
            return { kind: 'end' };
        const start = this.#index;
        const end = Math.min(start + limit, this.#count, this.#dueEnd());
        if (end <= start)
            return { kind: 'pending', isCaughtUp: true };
        const values = [];
        for (let place = start; place < end; place++)
            values.push(this.#make(place));
        this.#index = end;
        return {
            kind: 'records',
            values,
            origin: new GeneratedOrigin(this.#context.name, this.#splitName, start),
        };
    }
    ready() {
        this.#waiting ??= this.#waitUntilDue().finally(() => {
            this.#waiting = undefined;
        });
        return this.#waiting;
    }
    position() {
        return { index: this.#index };
    }
    close() {
        this.#isClosed = true;
        this.#context.signal.removeEventListener('abort', this.#onAbort);
        this.#wakeup.wake();
        return Promise.resolve();
    }
    async #waitUntilDue() {
        while (!this.#isClosed && !this.#context.signal.aborted && this.#isEarly()) {
            const { clock } = this.#context;
            const delayMs = this.#openedAt + (this.#index - this.#start) * this.#stepMs - clock.monotonic();
            // A whole number of milliseconds and never none: fractions that rounding loses must not become a busy loop.
            const timer = clock.schedule(Math.max(1, Math.ceil(delayMs)), () => this.#wakeup.wake());
            await this.#wakeup.wait();
            timer[Symbol.dispose]();
        }
    }
    #isEarly() {
        return this.#index < this.#count && this.#dueEnd() <= this.#index;
    }
    /** The place before which everything is due. */
    #dueEnd() {
        if (this.#stepMs === 0)
            return Infinity;
        const elapsedMs = this.#context.clock.monotonic() - this.#openedAt;
        return this.#start + Math.floor(elapsedMs / this.#stepMs) + 1;
    }
    #make(place) {
        const plan = this.#plan;
        const index = this.#shuffle.recordAt(place) * plan.splits + this.#split;
        const time = plan.startAt + Math.floor(index * plan.everyMs);
        try {
            return plan.make(new LazyRecordSeed(index, time, this.#words));
        }
        catch (cause) {
            throw new MillraceError('SOURCE_FAILED', `source ${this.#context.name}: make threw on record ${index} of the generator; mend it and start again`, { cause, place: `split ${this.#splitName}, record ${place}` });
        }
    }
}
/** Sets up randomness only for records that ask for it. */
class LazyRecordSeed {
    index;
    time;
    #words;
    #random;
    constructor(index, time, words) {
        this.index = index;
        this.time = time;
        this.#words = words;
    }
    get random() {
        return (this.#random ??= new RecordRandom(this.#words, this.index));
    }
}
class GeneratedOrigin {
    source;
    split;
    #start;
    constructor(source, split, start) {
        this.source = source;
        this.split = split;
        this.#start = start;
    }
    place(index) {
        return `record ${this.#start + index}`;
    }
    raw() {
        return undefined;
    }
}
