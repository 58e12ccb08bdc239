import unittest

from timesheet import parse, report
from timesheet.entries import parse_line
from timesheet.report import billed

WEEK = """
# day       from-to      project
2024-05-02  09:15-11:45  garden
2024-05-02  22:30-01:15  night shift
2024-05-03  08:00-09:10  garden
"""


class Entries(unittest.TestCase):
    def test_comments_and_blank_lines_are_left_out(self):
        self.assertEqual(len(parse(WEEK)), 3)

    def test_minutes_of_a_morning(self):
        self.assertEqual(parse_line("2024-05-02 09:15-11:45 garden").minutes, 150)

    def test_a_stretch_over_midnight_ends_on_the_next_day(self):
        self.assertEqual(parse_line("2024-05-02 22:30-01:15 night shift").minutes, 165)


class Bill(unittest.TestCase):
    def test_whole_quarters_stay(self):
        self.assertEqual(billed(45), 45)

    def test_rounded_to_the_nearest_quarter(self):
        self.assertEqual([billed(minutes) for minutes in (7, 8, 22, 23)], [0, 15, 15, 30])

    def test_report(self):
        self.assertEqual(report(parse(WEEK)), "  3.75  garden\n  2.75  night shift")


if __name__ == "__main__":
    unittest.main()
