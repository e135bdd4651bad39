"""The processes that a running Helpr is made of, one file each."""
