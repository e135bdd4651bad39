"""What is true: facts, memory, decisions. Pure Python."""
