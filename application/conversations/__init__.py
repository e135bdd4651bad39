"""What visitors and agents say to each other."""
