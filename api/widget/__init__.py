"""The narrow door through which a visitor comes in."""
