"""Commands on releases that are there: `python -m jobs.releases --help`."""
