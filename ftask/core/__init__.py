"""The task protocol: what the Lambda functions and the operator's tool share.

The states of a task. The item in DynamoDB has the truth; a message only says when to look at it::

                     begin                    success
      PENDING -----------------> PROCESSING -----------> COMPLETED
       ^   |                      |  ^  |
       |   |   failure with       |  |  |  last failure, permanent error,
       |   |   attempts left      |  |  |  or worker lost in the last attempt
       |   |                      v  |  +--------------> FAILED ---+
       |   |                RETRYING-+                             |
       |   |                   |    begin, after the backoff       |
       |   |  cancel           |  cancel                           |
       |   +-------------------+-----------------------> CANCELLED |
       |                                                           |
       +-------------------- redrive: the next epoch --------------+

    PROCESSING -> PROCESSING   a worker takes over an expired lease: that attempt was lost, and counts if it ran alone
    PROCESSING -> PENDING, RETRYING   an attempt whose handler has not run is given back, and does not count
    PROCESSING -> CANCELLED    cancelled while an attempt ran, which then failed with attempts left or was lost

The order of the steps is the promise: a crash between two of them leaves a state from which the normal flow goes on.

    submit    put PENDING, send the message, answer 202                       submission.py
    begin     one conditional write takes the lease and counts the attempt;   execution.py
              if refused, the item decides                                    transitions.py, decide_refused_begin
    run       the handler, here or in a child process                         execution.py, isolation.py
    settle    success: write COMPLETED, acknowledge the message               execution.py
              retry:   write RETRYING, postpone the message
              failure: send the dead letter, write FAILED, acknowledge
    redrive   send the message of epoch n + 1, move FAILED to PENDING,        redrive.py
              delete the dead letter
    drain     write the dead letter down, delete it                           drain.py
    cancel    a waiting task: write CANCELLED; a running one: leave a note    cancellation.py
              that the settlement sees

Values and rules import no adapter, read no clock and make no call; only adapters import botocore. A test holds that,
and has the list of both. What a handler imports goes into its archive and is paid for at every cold start: so
everything here imports only the standard library and botocore.
"""
