"""The ordered keyspace: interface, keys, engines."""
