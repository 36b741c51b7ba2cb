package bids;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/** `JOB PARALLELISM TURNS OUT IN...`: runs a job in this process, and prints what each turn cost, as JSON. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        String job = args[0];
        int parallelism = Integer.parseInt(args[1]);
        int turns = Integer.parseInt(args[2]);
        Path out = Path.of(args[3]);
        org.apache.flink.core.fs.Path[] inputs = Arrays.stream(args, 4, args.length)
            .map(org.apache.flink.core.fs.Path::new)
            .toArray(org.apache.flink.core.fs.Path[]::new);
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        for (int turn = 0; turn < turns; turn++) {
            long cpu = system.getProcessCpuTime();
            long wall = System.nanoTime();
            run(job, parallelism, inputs, out.resolve("turn-" + turn));
            System.out.printf(Locale.ROOT, "{\"cpuMs\":%.1f,\"wallMs\":%.1f,\"peakBytes\":%d}%n",
                (system.getProcessCpuTime() - cpu) / 1e6, (System.nanoTime() - wall) / 1e6, peakBytes());
        }
    }

    private static void run(String job, int parallelism, org.apache.flink.core.fs.Path[] inputs, Path out) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(parallelism, settings(out));
        environment.enableCheckpointing(1000, CheckpointingMode.EXACTLY_ONCE);
        FileSource<String> source = FileSource.forRecordStreamFormat(new TextLineInputFormat("UTF-8"), inputs).build();
        FileSink<String> sink = FileSink
            .forRowFormat(new org.apache.flink.core.fs.Path(out.resolve("lines").toUri()), new SimpleStringEncoder<String>("UTF-8"))
            .withRollingPolicy(OnCheckpointRollingPolicy.build())
            .build();
        Jobs.build(job, environment.fromSource(source, WatermarkStrategy.noWatermarks(), "bids")).sinkTo(sink);
        environment.execute(job);
    }

    /** Objects are reused and state is on the heap, the fastest that Flink has; everything else is its default. */
    private static Configuration settings(Path out) {
        Configuration settings = new Configuration();
        settings.set(PipelineOptions.OBJECT_REUSE, true);
        settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, new File(out.toFile(), "checkpoints").toURI().toString());
        return settings;
    }

    private static long peakBytes() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
        return 0;
    }
}
