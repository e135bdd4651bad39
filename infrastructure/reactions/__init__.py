"""Reactions: what follows from facts, tried until it is done."""
