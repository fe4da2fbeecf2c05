"""What `ftask doctor` checks and repairs. A check yields findings; a finding may have a repair."""
