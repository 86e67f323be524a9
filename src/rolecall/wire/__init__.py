"""AWS's protocols from AWS's own models: route, parse, answer, refuse. Pure.

- `pinned`, `model`: the models, read and as values
- `route`, `s3_routes`, `routed`: which service, operation, bucket and key; the one reader of path and query
- `speech`: the protocol of a service, so that gateway need not know which
- `query`, `rest_xml`, `json_rpc`: the three protocols
- `query_input`, `rest_input`, `xml_input`, `xml_output`, `json_values`: readers and writers, compiled from shapes
- `scalars`, `patterns`, `violations`: simple values, their patterns, AWS's sentences about broken constraints
- `urlencoded`, `form_data`: the forms of queries, and of browsers' uploads
- `checksums`: documents held against their digests
"""
