"""Diffs: what a set of effects did to files, to look at and to judge hunk by hunk.

model.py      files, their lines and hunks; hunks have the numbers that accept and reject take
rows.py       what stands in which row, without a row being made before it is shown; where a cursor goes
text.py       lines as they are shown: safe, with the parts that are stressed
words.py      what changed within a line
syntax.py     colours of a language
drawing.py    a row as pieces of text
view.py       the widget
"""
