"""Variables that decide which code runs, whoever sets them."""

from __future__ import annotations

import re

_DECIDING = re.compile(
    r"""
      PATH | SHELL | HOME | XDG_CONFIG_\w+ | ENV | BASH_ENV | SHELLOPTS | BASHOPTS | BASH_ALIASES | BASH_CMDS
    | BASH_FUNC_.* | BASH_LOADABLES_PATH | BASH_COMPAT | POSIXLY_CORRECT | PROMPT_COMMAND | PS[0-4] | ZDOTDIR
    | LD_\w+ | DYLD_\w+ | GCONV_PATH | MALLOC_\w+ | NLSPATH | LOCPATH | TERMINFO\w* | TEXTDOMAIN\w* | OPENSSL_CONF
    | \w*PAGER | \w*EDITOR | VISUAL | BROWSER | LESS\w* | MANOPT | MANROFF\w* | MORE | \w*ASKPASS
    | GIT_(?!(?:AUTHOR|COMMITTER)_\w+$|TERMINAL_PROMPT$|OPTIONAL_LOCKS$) \w+ | SSH_\w+ | RSYNC_\w+ | CVS_RSH | SVN_SSH
    | TAR_OPTIONS | RIPGREP_CONFIG_PATH | FZF_\w+ | GREP_OPTIONS | ZIPOPT | GZIP | XZ_\w+ | WGETRC | CURL_HOME
    | PYTHON(?!UNBUFFERED$|DONTWRITEBYTECODE$|HASHSEED$|WARNINGS$|IOENCODING$|UTF8$) \w+
    | PERL\w* | RUBY\w* | GEM_\w+ | BUNDLE_\w+ | NODE_(?!ENV$)\w+ | npm_config_\w+ | NPM_CONFIG_\w+ | LUA_\w+ | PHP\w*
    | \w*JAVA_\w*OPTIONS | JAVA_HOME | CLASSPATH | MAVEN_\w+ | GRADLE_\w+ | R_\w+ | JULIA_\w+ | AWKPATH | AWKLIBPATH
    | MAKE\w* | GNUMAKEFLAGS | CC | CXX | LD | AR | CARGO\w* | RUSTC\w* | RUSTDOC\w* | GOFLAGS | GOROOT | GOPATH
    | GCC_EXEC_PREFIX | COMPILER_PATH | VIM\w* | EXINIT | NVIM\w* | EMACS\w* | SCREEN\w* | TMUX\w* | PYTEST_\w+
    """,
    re.VERBOSE,
)


_LONGEST = 100


def decides(name: str) -> bool:
    """Does the value of this variable decide what is run?"""
    return len(name) <= _LONGEST and _DECIDING.fullmatch(name.rstrip("+").partition("[")[0]) is not None
