"""What an operator does with tasks: cancel, redrive, discard, drain, and a look at the dead letters.

What becomes of one task or letter is the core's decision (`core/cancellation`, `core/letters`). This room repeats that
over several connections, for the tasks that an operator selects (`selection`).
"""
