package sales;

/** What a job writes: a customer's count, or a sale that is paid. */
public record Result(String key, long count, double due) {}
