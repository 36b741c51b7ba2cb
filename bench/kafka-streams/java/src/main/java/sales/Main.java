package sales;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/**
 * One process of a job: {@code Main BROKERS JOB APPLICATION SALES PAYMENTS OUTPUT STATE-DIRECTORY}.
 *
 * It prints how many results it has made and the CPU time it has taken, as JSON, until it is terminated.
 */
public final class Main {
  private static final AtomicLong results = new AtomicLong();

  public static void main(String[] args) throws InterruptedException {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, Result> rows = args[1].equals("count") ? count(builder, args[3]) : join(builder, args[3], args[4]);
    rows.peek((key, row) -> results.incrementAndGet())
        .to(args[5], Produced.with(Serdes.String(), Json.of(Result.class)));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings(args[0], args[2], args[6]));
    streams.setUncaughtExceptionHandler(
        failure -> {
          failure.printStackTrace();
          System.exit(1);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    while (true) {
      System.out.printf("{\"results\":%d,\"cpuMs\":%d}%n", results.get(), system.getProcessCpuTime() / 1_000_000);
      Thread.sleep(100);
    }
  }

  /** How many sales each customer has. */
  private static KStream<String, Result> count(StreamsBuilder builder, String sales) {
    return stream(builder, sales)
        .groupBy((key, sale) -> sale.customer(), Grouped.with(Serdes.String(), Json.of(Sale.class)))
        .aggregate(
            () -> new Result(null, 0, 0),
            (customer, sale, before) -> new Result(customer, before.count() + 1, sale.due()),
            Materialized.with(Serdes.String(), Json.of(Result.class)))
        .toStream();
  }

  /** Each sale with its payment. */
  private static KStream<String, Result> join(StreamsBuilder builder, String sales, String payments) {
    Serde<Sale> sale = Json.of(Sale.class);
    return stream(builder, sales)
        .selectKey((key, value) -> value.id())
        .join(
            stream(builder, payments).selectKey((key, value) -> value.id()),
            (sold, paid) -> new Result(sold.id(), 1, paid.due()),
            JoinWindows.ofTimeDifferenceAndGrace(Duration.ofSeconds(10), Duration.ofSeconds(10)),
            StreamJoined.with(Serdes.String(), sale, sale));
  }

  private static KStream<byte[], Sale> stream(StreamsBuilder builder, String topic) {
    return builder.stream(
        topic,
        Consumed.with(Serdes.ByteArray(), Json.of(Sale.class))
            .withTimestampExtractor((record, time) -> ((Sale) record.value()).at()));
  }

  private static Properties settings(String brokers, String application, String directory) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, directory);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    // Every update is a result, as in the other programs, and state is on the heap.
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    settings.put(
        StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
        BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    return settings;
  }

  private Main() {}
}
