"""Usage over time, from sums that settled calls add to: what single calls did is `request_logs`, money is `billing`."""
