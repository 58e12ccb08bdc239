"""The Docker sandbox: the same contract, in a container of an image of yours.

``engine.py`` finds the container engine and says what it is; ``causes.py`` says why there is none, or what became of
it; ``labels.py`` knows what agentrt leaves there and whose it is; ``doctor.py`` tells people.
"""
