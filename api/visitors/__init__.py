"""The people who come to a website and ask."""
