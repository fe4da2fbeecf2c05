"""What an operator looks at and does on a deployed stage: its state, its tasks, its logs, its health."""
