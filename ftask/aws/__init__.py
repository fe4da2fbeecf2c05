"""How the operator's side reaches AWS: credentials and endpoint, the stack's outputs, the signed API."""
