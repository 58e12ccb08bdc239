"""Scripts nobody would write: grown from a grammar, or small ones with characters changed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_NAMES = ("rm", "curl", "ls", "cat", "chmod", "grep", "no", "zork")
_PLAIN = (
    "a", "b", "x1", "-rf", "-n", "1", "a=b", "{}", "-", "--", "é", "#a", "a#b", "!", "]", "[", "^", "%", "@", "+",
    ",", "if", "do", "done",
)  # fmt: skip
_QUOTED = (
    "'a b'", '"a b"', "''", '""', "'$x'", '"\\$x"', "\\;", "\\\\", "\\a", "\\ ", "\\'", "$'\\x72m'", "$'a\\tb'",
    "$'\\''", '"\\a"', "'\\'", '"`"', "'`'", "$'\\162'", '"a\\\nb"', "a\\\nb", '"\\""', '\'"\'', '"\'"', "'#'", "\\#",
    "\\~", "'*'", "\\*", "\\{a,b}", "{a,'b'}",
)  # fmt: skip
_COMPUTED = (
    "$x", '"$x"', "${x}", "${x:-a}", "${#x}", "$#", "$?", '"$@"', "$*", "*", "?", "[a]*", "~", "{a,b}", "{1..3}",
    "x{,y}", "$((1+2))", "${x:+b}", "${x/a/b}", "${x%a}", "$IFS", '$"a"', "$[1+1]", "${y[0]}", "$$", "${x:0:1}",
    "${x^^}",
)  # fmt: skip
_SEEDS = (
    "rm -rf 'a b'; ls", "a=1 b=2 rm x", "ls | grep x | cat", "ls && rm x || curl y", "(ls; rm x) > f", "{ ls; rm x; }",
    "if ls; then rm x; else curl y; fi", "for i in a b; do rm $i; done", "while no; do rm; done; ls", "f() { rm x; }; f",
    "case a in a) rm x;; b) ls;; esac", "cat <<E\na $(rm x) b\nE\nls", "cat <<'E'\na $(rm x) b\nE\nls", "cat <<-E\n\ta\n\tE\nls",
    "bash -c 'rm x; ls'", "eval 'rm x; ls'", "env -S 'rm x'", "env a=1 rm x", "echo a b | xargs -n1 rm -f", "timeout 3 rm x",
    "find . -exec rm {} + -exec ls {} \\;", "trap 'rm x' EXIT", "command rm x", "exec rm x", "coproc rm x", "! rm x", "time rm x",
    "[[ -n $(rm x) ]] && ls", "echo $((1 + $(rm 1)))", "a=(1 $(rm x)); ls", "echo ${x:-$(rm x)}", "rm <(ls a) >f 2>&1", "ls |& rm x",
    "rm x & ls y &", "$'\\x72m' x", "r\\m x", "'r'm x", "r\"\"m x", "`echo rm` x", "x=rm; $x a", "{rm,a}", "select i in a; do rm x; done",
    "until ls; do rm; done", "[ -n a ] && rm x", "printf -v 'a[$(rm x)]' b", "read 'a[$(rm x)]' <<< b", "x='a[$(rm y)]'; echo $((x))",
    "declare -i x='a[$(rm y)]'", "x='$(rm y)'; echo ${x@P}", "test -v 'a[$(rm y)]'", "alias ls=rm\nshopt -s expand_aliases\nls x",
    "sudo -u a rm x", "nice -n 3 rm x", "nohup rm x", "cat <<< $(rm x)", "ls # rm x\nrm y", "ls \\\n -l; rm \\\n x", "echo 'a\nb'; rm x",
    "function g { rm x; }; g", "unset 'a[$(rm x)]'", "let 'a[$(rm x)]=1'", "((a[$(rm x)]++))", "for ((i=0;i<$(rm 1);i++)); do ls; done",
    "mapfile -C 'rm x' -c 1 <<< a", "set -- rm x; \"$@\"", "hash -p zork ls; ls", "a=x;b=$a rm $b", "x=1 >f rm <g y", ">f", "jobs -x rm x",
    "rm() { ls x; }; rm a", "bash <<< 'rm x'", "sh -c 'curl x' a b", "bash -c 'rm $0 \"$1\"' a b", "xargs -I% bash -c 'rm %' <<< a",
    "cat <<A <<B\na\nA\n$(rm x)\nB\nls", "cat <<\"E F\"\n$(rm x)\nE F\nls", "echo \"$(rm \"x y\")\"", "echo \"`rm \\\"x y\\\"`\"", "case $(rm x) in *) ls;; esac",
    "if [[ a =~ $(rm x) ]]; then ls; fi", "echo ${x:=$(rm x)} ${#x}", "[ a -eq 1 ] || rm x", "flock f rm x", "flock f -c 'rm x'",
    "y='a[$(rm y)]'; cat <<-E\n\t$((y))\n\tE", "y='a[$(rm y)]'; a=([y]=1)", "declare -a a='($(rm x))'", "y='-v a[$(rm x)] -o 1'; [ $y = 1 ]",
    "y='a[$(rm y)]'; for ((do=y;do<1;do++)); do ls; done", "y='x b[$(rm x)]=1'; command declare a=$y", "y='a[$(rm y)]'; echo ${x:y} ${a[y]}",
    "y='a[$(rm y)]'; [[ y -eq 1 ]]; ls", "y='a[$(rm y)]'; cat <<E\n${a[y]} $[y]\nE", "IFS=0; timeout $? 5 rm x", "ls | time rm x", "time -- rm x",
)  # fmt: skip
_NASTY = "\"'`$(){}[]<>|&;\\\n #!*?~=,-+@^%:.ab1 \t"


def script(random: Random) -> str:
    """One script without a ``/``."""
    grow = random.choice((_mutated, _mutated, _soup, lambda random: Grown(random).script(random.randint(1, 3))))
    text = grow(random)
    return text.replace("/", "_")


_RUNNERS = (
    "env", "sudo", "timeout 3", "timeout", "nice", "nohup", "setsid", "stdbuf", "flock f", "flock", "xargs", "find .",
    "find", "bash", "sh", "bash -c", "command", "builtin", "exec", "eval", "trap", "jobs", "printf", "read",
    "declare", "export", "unset", "test", "[", "[[", "let", "mapfile", "wait", "set", "hash", "enable", "getopts",
    "local", "readonly", "time", "coproc", "alias", "compgen", "shopt", "type", "env -u x", "echo a|xargs", "x=1",
    "rm", "y='a[$(rm y)]';",
)  # fmt: skip
_BITS = (
    "-x", "-n", "-p", "-v", "-c", "-S", "-i", "-u", "-a", "-e", "-o", "-I%", "-t", "-r", "-s", "-k", "-0", "-d", "-C",
    "-ii", "-pv", "-xc", "--", "-", "-n1", "-exec", "-ok", "{}", "\\;", "+", "rm", "ls", "rm", "x", "5", "f", "a=1",
    "'rm x'", "'ls; rm x'", "'a[$(rm x)]'", "a[y]=1", "a=([y]=1)", "$?", "$y", '"$y"', "]", "]]", "-eq", "=", "-a",
    "$((y))", "${y@P}", "%", "EXIT", "<<< 1", "'$(rm x)'", "y", "-l", "-f", "'a=($(rm x))'", "'-n rm'", "-Srm",
    "--split-string=rm", "-name", "'*'", "| xargs rm", "; rm x",
)  # fmt: skip


def _soup(random: Random) -> str:
    """A program that runs others, and what it may be given, in no sensible order."""
    words = [random.choice(_RUNNERS), *(random.choice(_BITS) for _ in range(random.randint(1, 5)))]
    return random.choice(("", "", "bash -c ", "y=1; ", "! ")) + " ".join(words)


def _mutated(random: Random) -> str:
    text = random.choice(_SEEDS)
    if random.random() < 0.4:
        text += random.choice("\n;&|") + random.choice(_SEEDS)
    for _ in range(random.choice((0, 0, 1, 1, 1, 2))):
        at, end = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
        end = min(end, at + 6)
        change = random.randint(0, 3)
        if change == 0:
            text = text[:at] + text[end:]
        elif change == 1:
            text = text[:at] + random.choice(_NASTY) + text[at:]
        elif change == 2:
            text = text[:end] + text[at:end] + text[end:]
        else:
            other = random.choice(_SEEDS)
            begin = random.randint(0, len(other))
            text = text[:at] + other[begin : begin + 8] + text[at:]
    return text


class Grown:
    """From a grammar of bash, loosely kept to."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.left = 12
        """How many commands may still be added."""

    def script(self, depth: int) -> str:
        text = self.statement(depth)
        while self.random.random() < 0.4 and self.left > 0:
            text += self.random.choice(
                ("; ", "\n", " && ", " || ", " | ", " & ", " |& ", " ;\n", " \\\n| ")
            ) + self.statement(depth)
        return text

    def statement(self, depth: int) -> str:
        self.left -= 1
        if depth <= 0 or self.left <= 0 or self.random.random() < 0.55:
            return self.simple(depth)
        return self.random.choice(_COMPOUND)(self, depth - 1)

    def simple(self, depth: int) -> str:
        words = []
        if self.random.random() < 0.12:
            words.append(self.random.choice(("a=1", "x=rm", "x='a b'", "y=(1 2)", "x+=b", "x=$y")))
            if self.random.random() < 0.2:
                return words[0]
        words.append(self.program(depth))
        words += [self.word(depth) for _ in range(self.random.randint(0, 3))]
        if self.random.random() < 0.15:
            words.insert(
                self.random.randint(0, len(words)),
                self.random.choice(
                    (">f", "2>&1", ">>f", "<f", "&>f", ">|f", "2>f", "< <(ls)", "<>f", ">&2", "<<<a", "3<f")
                ),
            )
        return " ".join(words)

    def program(self, depth: int) -> str:
        name = self.random.choice(_NAMES)
        return self.random.choice(_PROGRAMS)(self, name, depth)

    def word(self, depth: int) -> str:
        text = ""
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            kind = self.random.random()
            if kind < 0.45:
                text += self.random.choice(_PLAIN)
            elif kind < 0.7:
                text += self.random.choice(_QUOTED)
            elif kind < 0.88 or depth <= 0 or self.left <= 0:
                text += self.random.choice(_COMPUTED)
            else:
                self.left -= 1
                inner = self.script(depth - 1)
                form = self.random.choice(
                    (
                        "$({})",
                        '"$({})"',
                        "`{}`",
                        "<({})",
                        "${{x:-$({})}}",
                        '"a${{x:-$({})}}b"',
                        "$(( $({}) ))",
                        "${{y[$({})]}}",
                        '"`{}`"',
                    )
                )
                text += form.format(inner)
        return text

    def heredoc(self, depth: int) -> str:
        tag = self.random.choice(("E", "'E'", "\\E", '"E"'))
        body = "\n".join(
            self.random.choice(("a", "$(%s)", "`%s`", "$x", "\\$(%s)", "'", '"', "# %s", " E", "E ")) for _ in range(2)
        )
        body = body.replace("%s", self.simple(0))
        return f"{self.random.choice(_NAMES)} <<{tag}{self.random.choice(('', ' | ls', ' && ls', '; ls', ' >f', ' a'))}\n{body}\nE\n{self.statement(depth)}"


_PROGRAMS: tuple[Callable[[Grown, str, int], str], ...] = (
    *(lambda grown, name, depth: name,) * 8,
    lambda grown, name, depth: "'" + name + "'",
    lambda grown, name, depth: name[0] + "\\" + name[1:],
    lambda grown, name, depth: "$'\\x" + format(ord(name[0]), "x") + name[1:] + "'",
    lambda grown, name, depth: name[0] + '""' + name[1:],
    lambda grown, name, depth: name[0] + "\\\n" + name[1:],
    lambda grown, name, depth: grown.random.choice(("$x", "`echo rm`", "{rm,ls}", "$(ls rm)", '"$x"', "~", "l?", "*")),
    lambda grown, name, depth: grown.random.choice(("command", "builtin", "exec", "eval", "time", "!", "coproc", "nohup", "env", "sudo", "nice", "xargs", "setsid", "command -p", "exec -a z", "env -i", "sudo -n", "nice -n 2", "timeout 3", "timeout -s 9 3", "stdbuf -o0", "xargs -n1", "flock f", "env -u x", "env x=1", "time -p", "jobs -x")) + " " + name,
    lambda grown, name, depth: grown.random.choice(("echo a b |xargs ", "find . -exec ", "xargs -I% ")) + name,
    lambda grown, name, depth: grown.random.choice(("bash -c '", "eval '", "trap '", "sh -c '", "bash -ec '", "env -S '")) + name + " a' EXIT",
    lambda grown, name, depth: grown.random.choice(("echo", "printf", "read", "test", "[", "set", "export", "declare", "local", "cd", ":", "shift", "unset", "let", "type", "printf -v", "wait", "hash", "mapfile", "return", "exit", "source", ".", "alias", "shopt -s extglob;")),
)  # fmt: skip
_COMPOUND: tuple[Callable[[Grown, int], str], ...] = (
    lambda grown, depth: f"({grown.script(depth)})",
    lambda grown, depth: f"{{ {grown.script(depth)}; }}",
    lambda grown, depth: f"if {grown.script(depth)}; then {grown.script(depth)}; else {grown.script(depth)}; fi",
    lambda grown, depth: f"for x in {grown.word(depth)} a; do {grown.script(depth)}; done",
    lambda grown, depth: f"for ((x=0; x<1; x++)); do {grown.script(depth)}; done",
    lambda grown, depth: f"while no; do {grown.script(depth)}; done",
    lambda grown, depth: (
        f"case {grown.word(depth)} in {grown.word(depth)}) {grown.script(depth)};; *) {grown.script(depth)};; esac"
    ),
    lambda grown, depth: f"fun() {{ {grown.script(depth)}; }}; fun {grown.word(depth)}",
    lambda grown, depth: f"function rm {{ {grown.simple(depth)}; }}; rm {grown.word(depth)}",
    lambda grown, depth: (
        f"[[ {grown.word(depth)} {grown.random.choice(('==', '=~', '-eq', '<', '!='))} {grown.word(depth)} ]] && {grown.simple(depth)}"
    ),
    lambda grown, depth: f"(( {grown.random.choice(('x', '1', 'x++', 'y[0]', '$x'))} )) || {grown.simple(depth)}",
    lambda grown, depth: f"select x in a; do {grown.simple(depth)}; break; done",
    lambda grown, depth: f"y=({grown.word(depth)} {grown.word(depth)}); {grown.simple(depth)}",
    lambda grown, depth: f"{grown.simple(depth)} > >({grown.simple(depth)})",
    lambda grown, depth: f"! {grown.simple(depth)}",
    lambda grown, depth: f"coproc {{ {grown.script(depth)}; }}",
    Grown.heredoc,
    Grown.heredoc,
)
