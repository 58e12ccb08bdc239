"""Databases whose changes can be taken back, one module an engine: plug-ins of ``agentrt.databases``."""
