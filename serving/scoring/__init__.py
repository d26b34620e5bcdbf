"""From a request to a score: parsing, scoring, results, what-if, shadow."""
