package bids;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** The five jobs, from lines to lines. */
final class Jobs {
    private Jobs() {}

    static DataStream<String> build(String job, DataStream<String> lines) {
        DataStream<Bid> bids = lines.map(new Decode());
        return switch (job) {
            case "stateless" -> bids
                .filter(bid -> bid.auction % 2 == 0)
                .map(bid -> "{\"auction\":" + bid.auction + ",\"price\":" + bid.price * 2 + ",\"bidder\":" + bid.bidder + "}");
            case "tumbling" -> timed(bids)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(10)))
                .aggregate(new CountAndMax(), new WindowLine());
            case "sliding" -> timed(bids)
                .window(SlidingEventTimeWindows.of(Duration.ofSeconds(10), Duration.ofSeconds(1)))
                .aggregate(new Count(), new CountLine(true));
            case "running" -> bids.keyBy(bid -> bid.auction).process(new Running());
            case "total" -> timed(bids)
                .window(TumblingEventTimeWindows.of(Duration.ofDays(1)))
                .aggregate(new Count(), new CountLine(false));
            default -> throw new IllegalArgumentException("no job " + job);
        };
    }

    private static KeyedStream<Bid, Long> timed(DataStream<Bid> bids) {
        return bids
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Bid>forMonotonousTimestamps().withTimestampAssigner((bid, before) -> bid.dateTime))
            .keyBy(bid -> bid.auction);
    }

    private static final class Decode extends RichMapFunction<String, Bid> {
        private transient ObjectReader reader;

        @Override
        public void open(OpenContext context) {
            reader = new ObjectMapper().readerFor(Bid.class);
        }

        @Override
        public Bid map(String line) throws Exception {
            return reader.readValue(line);
        }
    }

    private static final class Count implements AggregateFunction<Bid, Long, Long> {
        @Override public Long createAccumulator() { return 0L; }
        @Override public Long add(Bid bid, Long count) { return count + 1; }
        @Override public Long getResult(Long count) { return count; }
        @Override public Long merge(Long a, Long b) { return a + b; }
    }

    /** How many bids there are, and the highest price. */
    public static final class Highest {
        public long bids;
        public long highest;
    }

    private static final class CountAndMax implements AggregateFunction<Bid, Highest, Highest> {
        @Override public Highest createAccumulator() { return new Highest(); }

        @Override
        public Highest add(Bid bid, Highest total) {
            total.bids++;
            total.highest = Math.max(total.highest, bid.price);
            return total;
        }

        @Override public Highest getResult(Highest total) { return total; }

        @Override
        public Highest merge(Highest a, Highest b) {
            a.bids += b.bids;
            a.highest = Math.max(a.highest, b.highest);
            return a;
        }
    }

    private static final class WindowLine extends ProcessWindowFunction<Highest, String, Long, TimeWindow> {
        @Override
        public void process(Long auction, Context context, Iterable<Highest> totals, Collector<String> out) {
            for (Highest total : totals) {
                out.collect("{\"auction\":" + auction + ",\"start\":" + context.window().getStart()
                    + ",\"bids\":" + total.bids + ",\"highest\":" + total.highest + "}");
            }
        }
    }

    private static final class CountLine extends ProcessWindowFunction<Long, String, Long, TimeWindow> {
        private final boolean hasStart;

        CountLine(boolean hasStart) {
            this.hasStart = hasStart;
        }

        @Override
        public void process(Long auction, Context context, Iterable<Long> counts, Collector<String> out) {
            String start = hasStart ? ",\"start\":" + context.window().getStart() : "";
            for (Long count : counts) out.collect("{\"auction\":" + auction + start + ",\"bids\":" + count + "}");
        }
    }

    private static final class Running extends KeyedProcessFunction<Long, Bid, String> {
        private transient ValueState<Highest> state;

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("running", Highest.class));
        }

        @Override
        public void processElement(Bid bid, Context context, Collector<String> out) throws Exception {
            Highest total = state.value();
            if (total == null) total = new Highest();
            total.bids++;
            total.highest = Math.max(total.highest, bid.price);
            state.update(total);
            out.collect("{\"auction\":" + bid.auction + ",\"bids\":" + total.bids + ",\"highest\":" + total.highest + "}");
        }
    }
}
