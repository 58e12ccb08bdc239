"""What proposes actions: a script, or a model behind a vendor's API.

Of the models' planners ``options.py`` is what a task says of them, ``keys.py`` where their keys are, ``found.py``
which of them could plan here, ``transcript.py`` and ``prompt.py`` what a model is told, ``retrying.py`` how a vendor's
trouble is waited out, ``prices.py`` what it costs; ``anthropic/`` and ``openai/`` translate to and from the APIs.
``masks.py`` keeps personal data from any of them.
"""
