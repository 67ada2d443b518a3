"""`python -m crawler.cli` is `gongkai`."""

from crawler.cli import main

main()
