"""What may be read: views that follow the log and answer queries."""
