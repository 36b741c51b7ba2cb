package sales;

/** A sale or its payment. {@code due} is the time at which the load generator had to write it. */
public record Sale(String id, String customer, int amount, long at, double due, String note) {}
