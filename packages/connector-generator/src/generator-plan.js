import { durationMs, MillraceError, positiveDurationMs } from '@millrace/core';
/** A block is shuffled as a whole, in memory. */
const blockRecordsMax = 1 << 20;
/** Throws `OPTION_INVALID` for options that make no sense. */
export function planOf(options) {
    const { seed, make, count = Infinity, rate = Infinity, splits = 1, startAt = 0 } = options;
    requireOption(Number.isFinite(seed), 'seed', seed, 'a finite number');
    requireOption(count === Infinity || (Number.isSafeInteger(count) && count >= 0), 'count', count, 'a whole number, 0 or more');
    requireOption(rate > 0, 'rate', rate, 'records per second, more than 0');
    requireOption(Number.isSafeInteger(splits) && splits >= 1, 'splits', splits, 'a whole number, 1 or more');
    requireOption(Number.isFinite(startAt), 'startAt', startAt, 'milliseconds since the epoch');
    const everyMs = options.every === undefined ? stepOf(rate) : positiveDurationMs(options.every, 'every');
    const disorderMs = options.disorder === undefined ? 0 : durationMs(options.disorder, 'disorder');
    const blockRecords = Math.min(Math.floor(disorderMs / (everyMs * splits)) + 1, Math.ceil(count / splits));
    if (blockRecords > blockRecordsMax) {
        throw new MillraceError('OPTION_INVALID', `generate: disorder spans ${blockRecords} records of a split; at most ${blockRecordsMax} can be ` +
            'shuffled: choose a shorter disorder, a lower rate or more splits');
    }
    return { seed, make, count, rate, splits, startAt, everyMs, blockRecords };
}
function stepOf(rate) {
    return rate === Infinity ? 1 : 1_000 / rate;
}
function requireOption(isValid, name, value, wanted) {
    if (isValid)
        return;
    throw new MillraceError('OPTION_INVALID', `generate: ${name} is ${value}; give ${wanted}`);
}
