"""Sources and destinations: a protocol meets a transport. `catalog.CATALOG` is the one list of them."""
