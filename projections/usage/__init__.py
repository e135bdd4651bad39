"""What is counted, without naming anybody."""
