"""Rolecall: AWS IAM, STS and S3, self-hosted, with every request authorized and every decision explained."""
