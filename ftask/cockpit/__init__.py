"""The cockpit: `ftask top` on a terminal, with the extra `top`. See what fails, open it, redrive it, cancel it.

`board` decides what is shown and which keys apply, without a terminal; `operations` calls what the commands call;
the other modules are Textual's, which no other package imports. Only `ftask.cli.top` imports this one, when it runs.
"""
