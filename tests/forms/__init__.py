"""Trials of the reader of statistics forms: invented reports, what becomes of them, and what was read of real ones."""
