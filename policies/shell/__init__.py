"""Reading shell: everything that may run when bash is given a text, and what about it only run time knows.

reader         the whole: caps, both parsers, every wrapper
reading        what it finds
sitter, shfmt  the two parsers, which have to agree
arithmetic     numbers that may hold code
script, words  what the parsers tell, word by word
programs       which of the following knows a program
wrappers       sudo, timeout, env …: a table
shells         bash -c, su -c, flock -c …
searching      find, xargs
builtins       eval, trap, command, declare …
git            aliases, -c, options that name programs
editing        sed, awk
interpreters   what runs code that is not read: tables
variables      PATH and its like
inside         what those rooms say
"""

from .reader import read
from .reading import Command, Opaque, Reading

__all__ = ["Command", "Opaque", "Reading", "read"]
