"""What speaks of a person: recognised in headers, texts and columns, and cut out before anything is kept."""
