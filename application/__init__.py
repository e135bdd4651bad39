"""What may be asked: one async function per use case, with the ports it needs."""
