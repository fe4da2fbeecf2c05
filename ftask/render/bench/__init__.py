"""What `ftask bench` shows in a terminal: the progress of a run, its result, two runs compared, settings compared."""
