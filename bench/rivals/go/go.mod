module millrace.bench/bids

go 1.19
