"""Which tasks an operator selects, by one filter for all commands, and how they are found: by an index, or a scan."""
