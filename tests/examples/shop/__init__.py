"""The tasks of a shop."""

from . import invoices, links, orders, reports

__all__ = ["invoices", "links", "orders", "reports"]
