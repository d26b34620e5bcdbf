"""What every other room uses: what the process says, as lines of JSON."""
