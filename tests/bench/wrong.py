class Wrong(Exception):
    """What came out is not what was published or computed: a figure of that is worth nothing."""
