"""A session as one HTML file: what was done, why it was let run, what it changed, and what cannot be taken back."""
