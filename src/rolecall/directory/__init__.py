"""What exists in IAM's words: principals, policies, credentials, sessions.

Records lie under (account, kind, unique id); names without regard to case are indexes, so a rename moves no record.
Whatever changes identities or policies advances the store's watermark; bookkeeping does not.
"""
