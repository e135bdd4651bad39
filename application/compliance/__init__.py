"""What people may demand of their data, and the proof that it was done."""
