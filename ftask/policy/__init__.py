"""Least IAM policies: of each command, of a deployer, and the resources that both name."""
