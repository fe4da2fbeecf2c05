"""Dead letters: which failed tasks an operator selects, how they are grouped, and peek, redrive, discard and drain.

What becomes of one letter is the core's decision (`core/redrive`, `core/drain`). This room reads and repeats over the
connections of `aws/`; `ops`, `render` and `cli` import it, and it imports none of them.
"""
