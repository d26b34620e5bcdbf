"""What every other room uses: configuration, tracking, progress."""
