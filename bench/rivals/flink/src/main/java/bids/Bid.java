package bids;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;

/** The fields of a bid that the jobs read. Jackson skips the others. */
@JsonIgnoreProperties(ignoreUnknown = true)
public class Bid {
    public long auction;
    public long bidder;
    public long price;
    public long dateTime;
}
