"""The jobs in Bytewax, with recovery every second. JOB PARALLELISM TURNS OUT IN...: prints what each turn cost, as JSON."""

import json
import resource
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.files import FileSink, FileSource
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, SlidingWindower, TumblingWindower
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import cluster_main

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Windows are aligned to the first of these before the bids, which is a midnight.
ALIGNED = datetime(2015, 7, 15, tzinfo=timezone.utc)


def dataflow(job, source, out):
    flow = Dataflow("bids")
    bids = op.map("decode", op.input("in", flow, FileSource(source)), json.loads)
    lines = JOBS[job](bids)
    op.output("out", op.map("encode", lines, lambda row: ("", json.dumps(row, separators=(",", ":")))), FileSink(out))
    return flow


def stateless(bids):
    even = op.filter("even", bids, lambda bid: bid["auction"] % 2 == 0)
    return op.map("row", even, lambda bid: {"auction": bid["auction"], "price": bid["price"] * 2, "bidder": bid["bidder"]})


def keyed(bids):
    return op.key_on("key", bids, lambda bid: str(bid["auction"]))


def clock():
    # A watermark of Bytewax also moves with the clock on the wall, here faster than the time of the bids: the wait must be
    # longer than the run, or bids would come late.
    return EventClock(
        ts_getter=lambda bid: EPOCH + timedelta(milliseconds=bid["dateTime"]),
        wait_for_system_duration=timedelta(hours=1),
    )


def highest(total, bid):
    return (total[0] + 1, max(total[1], bid["price"]))


def start_of(window, length):
    return int(ALIGNED.timestamp() * 1000) + window * length


def tumbling(bids):
    windower = TumblingWindower(align_to=ALIGNED, length=timedelta(seconds=10))
    merged = lambda a, b: (a[0] + b[0], max(a[1], b[1]))
    out = win.fold_window("counts", keyed(bids), clock(), windower, lambda: (0, 0), highest, merged)
    return op.map("row", out.down, lambda row: {
        "auction": int(row[0]), "start": start_of(row[1][0], 10_000), "bids": row[1][1][0], "highest": row[1][1][1]})


def sliding(bids):
    windower = SlidingWindower(align_to=ALIGNED, length=timedelta(seconds=10), offset=timedelta(seconds=1))
    out = win.fold_window("counts", keyed(bids), clock(), windower, lambda: 0, lambda n, _: n + 1, lambda a, b: a + b)
    return op.map("row", out.down, lambda row: {
        "auction": int(row[0]), "start": start_of(row[1][0], 1_000), "bids": row[1][1]})


def running(bids):
    def step(total, bid):
        total = highest((0, 0) if total is None else total, bid)
        return (total, total)

    out = op.stateful_map("running", keyed(bids), step)
    return op.map("row", out, lambda row: {"auction": int(row[0]), "bids": row[1][0], "highest": row[1][1]})


def total(bids):
    windower = TumblingWindower(align_to=ALIGNED, length=timedelta(days=1))
    out = win.fold_window("counts", keyed(bids), clock(), windower, lambda: 0, lambda n, _: n + 1, lambda a, b: a + b)
    return op.map("row", out.down, lambda row: {"auction": int(row[0]), "bids": row[1][1]})


JOBS = {"stateless": stateless, "tumbling": tumbling, "sliding": sliding, "running": running, "total": total}


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main():
    job, _parallelism, turns, out, source = sys.argv[1:6]
    for turn in range(int(turns)):
        cpu, wall = cpu_ms(), time.perf_counter()
        work = Path(out) / f"turn-{turn}"
        (work / "lines").mkdir(parents=True)
        (work / "recovery").mkdir()
        init_db_dir(work / "recovery", 1)
        flow = dataflow(job, Path(source), work / "lines" / "part")
        cluster_main(flow, [], 0, epoch_interval=timedelta(seconds=1), recovery_config=RecoveryConfig(work / "recovery"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"cpuMs": cpu_ms() - cpu, "wallMs": (time.perf_counter() - wall) * 1e3, "peakBytes": peak},
                         separators=(",", ":")), flush=True)


main()
