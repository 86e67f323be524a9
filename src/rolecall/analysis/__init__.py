"""What can be said of policies without a request: mistakes in them, and what one allows that another does not.

Pure but for the catalog's data: no store, no clock. `validation` finds what AWS's Access Analyzer finds in a document,
`languages` decides questions about wildcard patterns, `access` compares what documents allow.
"""
