"""The pages are tests, the programs that build the site aren't."""

collect_ignore_glob = ["*.py", "api/*"]
