"""The embedded engine: ministack as a background process of this user, on the loopback interface only."""
