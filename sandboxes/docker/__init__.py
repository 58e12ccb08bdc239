"""The Docker sandbox: a container for each session, the same layers on the host as the local sandbox has."""
