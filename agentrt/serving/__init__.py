"""The terminal app in a browser, for whoever has the token, on loopback only.

The terminal in the page is textual-serve's, served from its package. Its server is not used: it knows no token, lists a
folder, loads a font from elsewhere, starts apps through a shell, and waits for ever for one that does not end.
"""
