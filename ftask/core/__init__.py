"""The task protocol: what the Lambda functions and the operator's tool share.

Values and rules (`model`, `transitions`, `retry`, `payload`, `codec`) know no AWS; `submission`,
`execution` and `redrive` are the protocol, step by step, over the ports of `ports`; `dynamodb`
and `sqs` are the adapters. Only the standard library and botocore may be imported below here:
all of it goes into the Lambda zip and is paid for at every cold start.
"""
