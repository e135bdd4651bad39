"""Views kept up to date: generations, checkpoints, leases, rebuilds."""
