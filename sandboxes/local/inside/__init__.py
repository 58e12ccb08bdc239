"""What runs inside the session's namespaces: a small server, forked from for every action.

These modules are loaded by a bare interpreter (``python -I -S``), so they use the standard library only and each
other by relative import. Forking a small process is what keeps an action cheap.
"""
