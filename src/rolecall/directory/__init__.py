"""What exists in IAM's words: principals, policies, credentials, sessions."""
