"""What happened, kept: the place (``store``), the record (``journal``), the way back (``timeline``, ``apply``)."""
