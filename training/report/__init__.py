"""The report for marketers: one self-contained HTML page, from the facts of a training, in English or German."""
