"""Anthropic's models, through the Messages API."""
