"""Bulk submission: one job file on disk for what is submitted, rejected and waited for, and batches of it sent."""
