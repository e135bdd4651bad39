"""The demo: a shop that does not exist, the people who work there, and a crowd that talks to them."""
