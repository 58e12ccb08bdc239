"""The selected operation, and the live transcript: pure texts, and the widgets that draw them."""
