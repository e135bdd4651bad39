"""Root key, tenant keys, scope keys, and what is sealed under them."""
