"""Dead letters: which failed tasks are meant, what they have in common, and how to look at, redrive and drain them."""
