import unittest

from shop.prices import total


class Total(unittest.TestCase):
    def test_empty(self):
        self.assertEqual(total([]), 0)

    def test_sum(self):
        self.assertEqual(total([250, 199]), 449)


if __name__ == "__main__":
    unittest.main()
