"""Organisations, their agents and how they sign in."""
