"""The hand-over policy: fitted and backtested week by week."""
