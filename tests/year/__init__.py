"""A generated country that is crawled daily for a year, time compressed: what befalls it, and what the archive tells of it.

`PYTHONPATH=tests python -m year --sources 300 --days 365` prints the score.
"""
