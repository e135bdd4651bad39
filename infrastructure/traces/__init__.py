"""Traces for whoever looks for what takes long: off unless an operator says where they go."""
