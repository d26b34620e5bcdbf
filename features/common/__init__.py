"""What every other room uses: errors, the clock, codes, compiling, files, settings, threads, words."""
